-- What the stream has committed, moved in the same transaction as the data. The totals outlive Kafka's
-- retention: read = raw + duplicates + dlq, always.
CREATE TABLE ops.stream_offsets (
    topic            text        NOT NULL,
    partition        integer     NOT NULL,
    first_offset     bigint      NOT NULL,
    next_offset      bigint      NOT NULL CHECK (next_offset >= first_offset),
    raw_rows         bigint      NOT NULL DEFAULT 0,
    duplicate_rows   bigint      NOT NULL DEFAULT 0,
    dlq_rows         bigint      NOT NULL DEFAULT 0,
    committed_at     timestamptz NOT NULL,
    PRIMARY KEY (topic, partition)
);
COMMENT ON COLUMN ops.stream_offsets.duplicate_rows IS 'Events whose event_id was in raw already, and replays whose origin was in the DLQ already.';

CREATE TABLE ops.stream_commits (
    topic                text        NOT NULL,
    partition            integer     NOT NULL,
    from_offset          bigint      NOT NULL,
    until_offset         bigint      NOT NULL,
    raw_rows             bigint      NOT NULL,
    duplicate_rows       bigint      NOT NULL,
    dlq_rows             bigint      NOT NULL,
    max_source_timestamp timestamptz NOT NULL,
    committed_at         timestamptz NOT NULL,
    PRIMARY KEY (topic, partition, from_offset)
);
COMMENT ON TABLE ops.stream_commits IS 'One row per partition of a micro-batch; pruned by the stream after a week.';
CREATE INDEX stream_commits_committed_at ON ops.stream_commits USING brin (committed_at);

CREATE TABLE ops.dlq_events (
    topic            text        NOT NULL,
    partition        integer     NOT NULL,
    source_offset    bigint      NOT NULL,
    reason           text        NOT NULL,
    detail           text        NOT NULL,
    attempts         integer     NOT NULL DEFAULT 1,
    source_timestamp timestamptz NOT NULL,
    first_seen_at    timestamptz NOT NULL DEFAULT now(),
    last_seen_at     timestamptz NOT NULL DEFAULT now(),
    replayed_at      timestamptz,
    resolved_at      timestamptz,
    PRIMARY KEY (topic, partition, source_offset)
);
COMMENT ON TABLE ops.dlq_events IS 'The DLQ''s ledger: one row per origin, however often it was sent or replayed.';

CREATE TABLE ops.publications (
    publication_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind           text        NOT NULL,
    raw_mark       bigint      NOT NULL,
    published_at   timestamptz NOT NULL DEFAULT now()
);
COMMENT ON COLUMN ops.publications.raw_mark IS 'The greatest raw.orders.raw_id that this publication has seen.';

GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA ops TO ingest;
GRANT DELETE ON ops.stream_commits TO ingest;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ops TO etl;
