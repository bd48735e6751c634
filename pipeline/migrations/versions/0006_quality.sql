-- What the checks found: one row per check of a run and phase; a newer attempt replaces the older one's.
CREATE TABLE ops.quality_exceptions (
    exception_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    check_name   text        NOT NULL,
    day          date,
    who          text        NOT NULL CHECK (who <> ''),
    why          text        NOT NULL CHECK (why <> ''),
    until        timestamptz NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    CHECK (until > created_at)
);
COMMENT ON TABLE ops.quality_exceptions IS 'Failures that somebody answers for: who, why and until when.';
COMMENT ON COLUMN ops.quality_exceptions.day IS 'Only for runs that judge this one day; null for all runs.';

CREATE TABLE ops.quality_results (
    run_id       text             NOT NULL,
    phase        text             NOT NULL CHECK (phase IN ('gate', 'check')),
    check_name   text             NOT NULL,
    table_name   text             NOT NULL,
    severity     text             NOT NULL CHECK (severity IN ('error', 'warning')),
    outcome      text             NOT NULL CHECK (outcome IN ('passed', 'failed', 'warned', 'skipped', 'accepted')),
    measured     double precision,
    bound        text             NOT NULL CHECK (bound IN ('at most', 'at least')),
    limit_value  double precision NOT NULL,
    failing_rows bigint           NOT NULL DEFAULT 0,
    reason       text,
    query        text,
    samples      jsonb            NOT NULL DEFAULT '[]',
    day          date,
    exception_id bigint           REFERENCES ops.quality_exceptions,
    started_at   timestamptz      NOT NULL,
    duration_ms  integer          NOT NULL,
    PRIMARY KEY (run_id, phase, check_name),
    CHECK ((outcome = 'accepted') = (exception_id IS NOT NULL)),
    CHECK (outcome <> 'skipped' OR reason IS NOT NULL)
);
COMMENT ON COLUMN ops.quality_results.bound IS 'The check passes while measured is at most, or at least, limit_value.';
COMMENT ON COLUMN ops.quality_results.query IS 'As it was sent, values included, so that it can be run again.';
COMMENT ON COLUMN ops.quality_results.day IS 'The last complete UTC day that the run was judged by.';
CREATE INDEX quality_results_started_at ON ops.quality_results (started_at);

-- Samples are rows of the business, so they are for operators: no role of the stream or of dashboards sees them.
GRANT SELECT, INSERT, UPDATE, DELETE ON ops.quality_results, ops.quality_exceptions TO etl;
