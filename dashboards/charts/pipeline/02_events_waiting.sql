SELECT events_waiting, kafka_seen_at
FROM curated.pipeline_health_stream
WHERE events_waiting IS NOT NULL
