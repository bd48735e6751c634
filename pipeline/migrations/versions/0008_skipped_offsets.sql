-- read = raw + duplicates + dlq + skipped, always.
ALTER TABLE ops.stream_offsets ADD COLUMN skipped_offsets bigint NOT NULL DEFAULT 0 CHECK (skipped_offsets >= 0);
COMMENT ON COLUMN ops.stream_offsets.skipped_offsets IS 'Offsets that Kafka no longer held and an operator gave up, with `ecom stream skip`.';
