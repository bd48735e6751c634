-- What dashboards ask for all the time, kept as sums per UTC day (docs/decisions/0014). Each commit appends what
-- it adds to the sums and takes from them; a view adds both up, so that figures are exact at every moment, and
-- the changes are folded into the sums now and then. Cancelled orders are in none of them.
CREATE TABLE ops.order_changes (
    order_date date           NOT NULL,
    currency   text           NOT NULL,
    product_id bigint         NOT NULL,
    segment    text           NOT NULL,
    orders     bigint         NOT NULL,
    units      bigint         NOT NULL,
    revenue    numeric(20, 2) NOT NULL
);
COMMENT ON TABLE ops.order_changes IS 'Append-only: what commits changed in the sums and no fold has added to them yet.';

CREATE TABLE ops.daily_revenue (
    order_date date           NOT NULL,
    currency   text           NOT NULL,
    orders     bigint         NOT NULL,
    units      bigint         NOT NULL,
    revenue    numeric(20, 2) NOT NULL,
    PRIMARY KEY (order_date, currency)
);
CREATE TABLE ops.daily_products (
    order_date date           NOT NULL,
    currency   text           NOT NULL,
    product_id bigint         NOT NULL,
    orders     bigint         NOT NULL,
    units      bigint         NOT NULL,
    revenue    numeric(20, 2) NOT NULL,
    PRIMARY KEY (order_date, product_id, currency)
);
CREATE TABLE ops.daily_segments (
    order_date date           NOT NULL,
    currency   text           NOT NULL,
    segment    text           NOT NULL,
    orders     bigint         NOT NULL,
    units      bigint         NOT NULL,
    revenue    numeric(20, 2) NOT NULL,
    PRIMARY KEY (order_date, segment, currency)
);
COMMENT ON TABLE ops.daily_revenue IS 'Sums without what is in ops.order_changes; read curated.daily_revenue.';
COMMENT ON TABLE ops.daily_products IS 'Sums without what is in ops.order_changes; read curated.daily_products.';
COMMENT ON TABLE ops.daily_segments IS 'Sums without what is in ops.order_changes; read curated.daily_segments.';

INSERT INTO ops.order_changes
SELECT order_date, fact.currency, product_id, coalesce(segment, 'unknown'), count(*), sum(quantity), sum(amount)
FROM curated.fact_orders AS fact LEFT JOIN curated.dim_customers USING (customer_key)
WHERE status <> 'cancelled'
GROUP BY 1, 2, 3, 4;

GRANT SELECT, INSERT, DELETE ON ops.order_changes TO ingest, etl;
GRANT SELECT, INSERT, UPDATE ON ops.daily_revenue, ops.daily_products, ops.daily_segments TO ingest;
GRANT SELECT, INSERT, UPDATE, DELETE ON ops.daily_revenue, ops.daily_products, ops.daily_segments TO etl;

CREATE VIEW curated.daily_revenue AS
SELECT order_date, currency, sum(orders)::bigint AS orders, sum(units)::bigint AS units, sum(revenue) AS revenue
FROM (
    SELECT order_date, currency, orders, units, revenue FROM ops.daily_revenue
    UNION ALL
    SELECT order_date, currency, orders, units, revenue FROM ops.order_changes
) AS parts
GROUP BY order_date, currency
HAVING sum(orders) <> 0;
COMMENT ON VIEW curated.daily_revenue IS 'Orders, units and revenue per UTC day and currency, without cancelled orders.';

CREATE VIEW curated.daily_products AS
SELECT order_date, product_id, currency, sum(orders)::bigint AS orders, sum(units)::bigint AS units,
    sum(revenue) AS revenue
FROM (
    SELECT order_date, product_id, currency, orders, units, revenue FROM ops.daily_products
    UNION ALL
    SELECT order_date, product_id, currency, orders, units, revenue FROM ops.order_changes
) AS parts
GROUP BY order_date, product_id, currency
HAVING sum(orders) <> 0;
COMMENT ON VIEW curated.daily_products IS 'The same per UTC day, product and currency.';

CREATE VIEW curated.daily_segments AS
SELECT order_date, segment, currency, sum(orders)::bigint AS orders, sum(units)::bigint AS units,
    sum(revenue) AS revenue
FROM (
    SELECT order_date, segment, currency, orders, units, revenue FROM ops.daily_segments
    UNION ALL
    SELECT order_date, segment, currency, orders, units, revenue FROM ops.order_changes
) AS parts
GROUP BY order_date, segment, currency
HAVING sum(orders) <> 0;
COMMENT ON VIEW curated.daily_segments IS 'The same per UTC day, customer segment when ordered, and currency.';

-- The period of a chart: what the session chose, else the last 30 days. Stable, so that an index serves them.
CREATE FUNCTION curated.last_day() RETURNS date LANGUAGE sql STABLE PARALLEL SAFE AS
$$ SELECT coalesce(nullif(current_setting('ecom.last_day', true), '')::date, (now() AT TIME ZONE 'UTC')::date) $$;
CREATE FUNCTION curated.first_day() RETURNS date LANGUAGE sql STABLE PARALLEL SAFE AS
$$ SELECT coalesce(nullif(current_setting('ecom.first_day', true), '')::date, curated.last_day() - 29) $$;
COMMENT ON FUNCTION curated.first_day() IS 'The setting ecom.first_day, else 29 days before curated.last_day().';
COMMENT ON FUNCTION curated.last_day() IS 'The setting ecom.last_day, else today in UTC.';

-- An order's first row in the facts; its later versions don't count.
ALTER TABLE ops.stream_commits ADD COLUMN new_orders bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN ops.stream_commits.new_orders IS 'Orders that had no fact before this commit.';
-- A row per commit is little to index, and ranges that nothing has summarised yet would be read each time.
DROP INDEX ops.stream_commits_committed_at;
CREATE INDEX stream_commits_committed_at ON ops.stream_commits (committed_at);

CREATE VIEW curated.order_inflow AS
SELECT minute, coalesce(new_orders, 0) AS new_orders, coalesce(events, 0) AS events
FROM generate_series(
    date_trunc('minute', now()) - interval '59 minutes', date_trunc('minute', now()), interval '1 minute'
) AS minute
LEFT JOIN (
    SELECT date_trunc('minute', committed_at) AS minute, sum(new_orders)::bigint AS new_orders,
        sum(raw_rows)::bigint AS events
    FROM ops.stream_commits
    WHERE committed_at >= date_trunc('minute', now()) - interval '59 minutes'
    GROUP BY 1
) AS commits USING (minute);
COMMENT ON VIEW curated.order_inflow IS 'The last 60 minutes: orders and events by the minute of their commit.';

-- How the pipeline does: counts of what ops knows, never a row of the business.
CREATE TABLE ops.stream_ends (
    topic      text        NOT NULL,
    partition  integer     NOT NULL,
    end_offset bigint      NOT NULL,
    seen_at    timestamptz NOT NULL,
    PRIMARY KEY (topic, partition)
);
COMMENT ON TABLE ops.stream_ends IS 'Where each partition ended in Kafka when the running stream last looked.';
GRANT SELECT, INSERT, UPDATE ON ops.stream_ends TO ingest;
GRANT SELECT ON ops.stream_ends TO etl;

CREATE INDEX dlq_events_waiting ON ops.dlq_events (reason) WHERE resolved_at IS NULL;
CREATE INDEX dlq_events_first_seen_at ON ops.dlq_events (first_seen_at);

CREATE VIEW curated.pipeline_health_partitions AS
SELECT topic, partition, raw_rows + duplicate_rows + dlq_rows AS events_read, committed_at AS last_commit_at,
    -- A plain greatest() would make 0 of what nobody knows.
    CASE WHEN end_offset IS NOT NULL THEN greatest(0, end_offset - next_offset) END AS events_waiting,
    seen_at AS kafka_seen_at
FROM ops.stream_offsets
LEFT JOIN ops.stream_ends USING (topic, partition);

CREATE VIEW curated.pipeline_health_stream AS
SELECT max(last_commit_at) AS last_commit_at,
    round(extract(epoch FROM clock_timestamp() - max(last_commit_at)), 1) AS last_commit_age_s,
    sum(events_waiting)::bigint AS events_waiting, min(kafka_seen_at) AS kafka_seen_at,
    (SELECT count(*) FROM ops.stream_starts WHERE started_at > now() - interval '1 hour') AS starts_last_hour
FROM curated.pipeline_health_partitions;

CREATE VIEW curated.pipeline_health_freshness AS
SELECT minute, round(delay_s, 2) AS delay_s
FROM generate_series(
    date_trunc('minute', now()) - interval '59 minutes', date_trunc('minute', now()), interval '1 minute'
) AS minute
LEFT JOIN (
    SELECT date_trunc('minute', committed_at) AS minute,
        max(extract(epoch FROM committed_at - max_source_timestamp)) AS delay_s
    FROM ops.stream_commits
    WHERE committed_at >= date_trunc('minute', now()) - interval '59 minutes'
    GROUP BY 1
) AS commits USING (minute);
COMMENT ON VIEW curated.pipeline_health_freshness IS 'By minute: how old the newest event of the slowest commit was.';

CREATE VIEW curated.pipeline_health_dlq AS
SELECT reason, coalesce(waiting, 0) AS waiting, coalesce(last_day, 0) AS last_day, coalesce(last_week, 0) AS last_week
FROM (SELECT reason, count(*) AS waiting FROM ops.dlq_events WHERE resolved_at IS NULL GROUP BY reason) AS open
FULL JOIN (
    SELECT reason, count(*) FILTER (WHERE first_seen_at > now() - interval '1 day') AS last_day, count(*) AS last_week
    FROM ops.dlq_events
    WHERE first_seen_at > now() - interval '7 days'
    GROUP BY reason
) AS recent USING (reason);
COMMENT ON VIEW curated.pipeline_health_dlq IS 'Dead letters by reason: not resolved yet, and first seen lately.';

CREATE VIEW curated.pipeline_health_repair AS
SELECT count(*) AS pending_orders FROM curated.fact_orders WHERE customer_key = 0 OR product_key = 0;

CREATE VIEW curated.pipeline_health_gates AS
SELECT kind, phase, min(result.started_at) AS checked_at, count(*) AS checks,
    count(*) FILTER (WHERE outcome = 'passed') AS passed,
    count(*) FILTER (WHERE outcome = 'failed') AS failed,
    count(*) FILTER (WHERE outcome = 'warned') AS warned,
    count(*) FILTER (WHERE outcome = 'skipped') AS skipped,
    count(*) FILTER (WHERE outcome = 'accepted') AS accepted,
    string_agg(check_name, ', ' ORDER BY check_name) FILTER (WHERE outcome IN ('failed', 'warned')) AS not_passed
FROM (SELECT run_id, kind FROM ops.batch_runs ORDER BY started_at DESC LIMIT 10) AS latest
JOIN ops.quality_results AS result USING (run_id)
GROUP BY run_id, kind, phase;
COMMENT ON VIEW curated.pipeline_health_gates IS 'The checks of the last ten batch runs, counted by outcome.';

GRANT SELECT ON ALL TABLES IN SCHEMA curated TO ingest, etl, bi_readonly;
