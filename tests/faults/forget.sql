-- Take a topic's offsets from %(keep)s on out of the database, as one restored from an older backup has it.
CREATE TEMPORARY TABLE gone ON COMMIT DROP AS
SELECT DISTINCT order_id FROM raw.orders WHERE source = %(topic)s AND source_offset >= %(keep)s;

DELETE FROM raw.orders WHERE source = %(topic)s AND source_offset >= %(keep)s;
DELETE FROM ops.dlq_events WHERE topic = %(topic)s AND source_offset >= %(keep)s;
DELETE FROM ops.stream_commits WHERE topic = %(topic)s AND until_offset > %(keep)s;
-- The rebuild from raw puts back those that have an older event.
DELETE FROM curated.fact_orders WHERE order_id IN (SELECT order_id FROM gone);

UPDATE ops.stream_offsets AS o SET
    next_offset = least(next_offset, %(keep)s),
    raw_rows = (SELECT count(*) FROM raw.orders WHERE source = o.topic AND source_partition = o.partition),
    dlq_rows = (SELECT count(*) FROM ops.dlq_events d WHERE d.topic = o.topic AND d.partition = o.partition)
WHERE topic = %(topic)s;
UPDATE ops.stream_offsets SET duplicate_rows = next_offset - first_offset - raw_rows - dlq_rows - skipped_offsets
WHERE topic = %(topic)s;
DELETE FROM ops.stream_offsets WHERE topic = %(topic)s AND next_offset = 0;
