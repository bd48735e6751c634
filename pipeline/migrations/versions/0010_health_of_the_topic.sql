-- A topic that was given up (another `orders_topic` since) keeps its rows in ops, and says nothing of the stream.
CREATE OR REPLACE VIEW curated.pipeline_health_partitions AS
SELECT topic, partition, raw_rows + duplicate_rows + dlq_rows AS events_read, committed_at AS last_commit_at,
    -- A plain greatest() would make 0 of what nobody knows.
    CASE WHEN end_offset IS NOT NULL THEN greatest(0, end_offset - next_offset) END AS events_waiting,
    seen_at AS kafka_seen_at
FROM ops.stream_offsets
LEFT JOIN ops.stream_ends USING (topic, partition)
WHERE topic = (
    SELECT topic
    FROM ops.stream_offsets LEFT JOIN ops.stream_ends USING (topic, partition)
    GROUP BY topic
    -- The running stream looks at its topic's ends every few seconds, whether there is something to commit or not.
    ORDER BY max(seen_at) DESC NULLS LAST, max(committed_at) DESC, topic
    LIMIT 1
);
COMMENT ON VIEW curated.pipeline_health_partitions IS 'The partitions of the topic that the stream reads, or read last.';
