CREATE TABLE ops.stream_starts (
    start_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    started_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE ops.stream_starts IS 'One row per start of the streaming job, so that restarts show; kept a month.';
CREATE INDEX stream_starts_started_at ON ops.stream_starts (started_at);
GRANT SELECT, INSERT, DELETE ON ops.stream_starts TO ingest;
GRANT SELECT ON ops.stream_starts TO etl;
