-- Arrival order of the members' states, so that a daily run reads what is new and not all there is.
ALTER TABLE raw.customers ADD COLUMN raw_id bigint GENERATED ALWAYS AS IDENTITY;
ALTER TABLE raw.products ADD COLUMN raw_id bigint GENERATED ALWAYS AS IDENTITY;
CREATE INDEX customers_raw_id ON raw.customers USING brin (raw_id) WITH (autosummarize = on);
CREATE INDEX products_raw_id ON raw.products USING brin (raw_id) WITH (autosummarize = on);
-- The last value that a sequence gave is the high-water mark, under the writers' lock: no scan is needed.
GRANT SELECT ON ALL SEQUENCES IN SCHEMA raw TO etl;

-- Unlogged and without constraints: bad rows must get this far, so that the gate can show them, and a crash
-- that empties a table is noticed by the publication, which knows how many rows were staged.
CREATE UNLOGGED TABLE staging.dim_customers (
    customer_key bigint, customer_id bigint, name text, country text, segment text,
    valid_from timestamptz, valid_to timestamptz
);
CREATE UNLOGGED TABLE staging.dim_products (
    product_key bigint, product_id bigint, name text, category text, unit_price numeric(12, 2), currency text,
    valid_from timestamptz, valid_to timestamptz
);
CREATE UNLOGGED TABLE staging.fact_orders (
    order_id uuid, order_version integer, event_id uuid, ordered_at timestamptz, customer_key bigint,
    product_key bigint, customer_id bigint, product_id bigint, quantity integer, unit_price numeric(12, 2),
    currency text, status text
);
CREATE UNLOGGED TABLE staging.affected_orders (order_id uuid, slice integer);
CREATE UNLOGGED TABLE staging.loads (table_name text, slice integer, rows bigint, PRIMARY KEY (table_name, slice));
COMMENT ON TABLE staging.affected_orders IS 'The orders that the current run rebuilds.';
COMMENT ON TABLE staging.loads IS 'Slices already loaded: a task that Spark repeats finds its rows there.';
GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON ALL TABLES IN SCHEMA staging TO etl;

CREATE TABLE ops.batch_runs (
    run_id            text        PRIMARY KEY,
    kind              text        NOT NULL CHECK (kind IN ('increment', 'backfill', 'full')),
    from_day          date,
    until_day         date,
    base_publication  bigint      NOT NULL,
    orders_from       bigint      NOT NULL,
    orders_until      bigint      NOT NULL,
    customers_from    bigint      NOT NULL,
    customers_until   bigint      NOT NULL,
    products_from     bigint      NOT NULL,
    products_until    bigint      NOT NULL,
    staged_customers  bigint,
    staged_products   bigint,
    staged_facts      bigint,
    started_at        timestamptz NOT NULL DEFAULT now(),
    gated_at          timestamptz,
    publication_id    bigint,
    CHECK ((kind = 'backfill') = (from_day IS NOT NULL AND until_day IS NOT NULL AND from_day < until_day))
);
COMMENT ON TABLE ops.batch_runs IS 'What each batch run reads: marks of raw (from exclusive, until inclusive), and what it staged.';

-- Staging belongs to one run at a time.
CREATE TABLE ops.batch_seat (
    seat        boolean     PRIMARY KEY DEFAULT true CHECK (seat),
    run_id      text        NOT NULL,
    attempt     bigint      NOT NULL,
    seen_at     timestamptz NOT NULL,
    lease_s     double precision NOT NULL,
    released_at timestamptz
);
COMMENT ON COLUMN ops.batch_seat.lease_s IS 'How long after its last step the run is believed to be alive, in seconds.';
COMMENT ON COLUMN ops.batch_seat.attempt IS 'Grows with each step that starts: what an older one left running is refused.';

ALTER TABLE ops.publications
    ADD COLUMN run_id text,
    ADD COLUMN customers_mark bigint NOT NULL DEFAULT 0,
    ADD COLUMN products_mark bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN ops.publications.customers_mark IS 'The same for raw.customers; products_mark for raw.products.';

GRANT SELECT, INSERT, UPDATE, DELETE ON ops.batch_runs, ops.batch_seat TO etl;
