SELECT topic || '/' || partition AS partition, events_read, events_waiting, last_commit_at
FROM curated.pipeline_health_partitions
ORDER BY pipeline_health_partitions.topic, pipeline_health_partitions.partition
