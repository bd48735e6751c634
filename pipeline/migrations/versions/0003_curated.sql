-- Type 2: a row for each version of a member. The first version starts at the epoch, so that an order placed
-- before the member was known still finds it; the last one ends in 9999, which every engine can represent.
CREATE TABLE curated.dim_customers (
    customer_key bigint      PRIMARY KEY,
    customer_id  bigint      NOT NULL,
    name         text        NOT NULL,
    country      text        NOT NULL,
    segment      text        NOT NULL,
    valid_from   timestamptz NOT NULL,
    valid_to     timestamptz NOT NULL,
    is_current   boolean     NOT NULL GENERATED ALWAYS AS (valid_to = '9999-12-31T00:00:00Z'::timestamptz) STORED,
    UNIQUE (customer_id, valid_from),
    CHECK (valid_from < valid_to)
);

CREATE TABLE curated.dim_products (
    product_key bigint         PRIMARY KEY,
    product_id  bigint         NOT NULL,
    name        text           NOT NULL,
    category    text           NOT NULL,
    unit_price  numeric(12, 2) NOT NULL,
    currency    text           NOT NULL,
    valid_from  timestamptz    NOT NULL,
    valid_to    timestamptz    NOT NULL,
    is_current  boolean        NOT NULL GENERATED ALWAYS AS (valid_to = '9999-12-31T00:00:00Z'::timestamptz) STORED,
    UNIQUE (product_id, valid_from),
    CHECK (valid_from < valid_to)
);

-- Key 0 is the unknown member: an order that came before its customer or product points here until repaired.
INSERT INTO curated.dim_customers (customer_key, customer_id, name, country, segment, valid_from, valid_to)
VALUES (0, 0, 'Unknown', '--', 'unknown', '1970-01-01T00:00:00Z', '9999-12-31T00:00:00Z');
INSERT INTO curated.dim_products (product_key, product_id, name, category, unit_price, currency, valid_from, valid_to)
VALUES (0, 0, 'Unknown', 'unknown', 0, '---', '1970-01-01T00:00:00Z', '9999-12-31T00:00:00Z');

-- No foreign keys: a check per row would cost the stream more than its upsert, and the batch replaces
-- versions. Orphans are found by the quality gate and by `ecom verify`.
CREATE TABLE curated.fact_orders (
    order_id      uuid           PRIMARY KEY,
    order_version integer        NOT NULL,
    event_id      uuid           NOT NULL,
    ordered_at    timestamptz    NOT NULL,
    order_date    date           NOT NULL GENERATED ALWAYS AS ((ordered_at AT TIME ZONE 'UTC')::date) STORED,
    customer_key  bigint         NOT NULL,
    product_key   bigint         NOT NULL,
    customer_id   bigint         NOT NULL,
    product_id    bigint         NOT NULL,
    quantity      integer        NOT NULL CHECK (quantity > 0),
    unit_price    numeric(12, 2) NOT NULL CHECK (unit_price >= 0),
    amount        numeric(16, 2) NOT NULL GENERATED ALWAYS AS (quantity * unit_price) STORED,
    currency      text           NOT NULL,
    status        text           NOT NULL
);
COMMENT ON TABLE curated.fact_orders IS 'One row per order: its event with the greatest (order_version, event_id).';
COMMENT ON COLUMN curated.fact_orders.order_date IS 'UTC day of ordered_at.';

CREATE INDEX fact_orders_ordered_at ON curated.fact_orders USING brin (ordered_at) WITH (autosummarize = on);
CREATE INDEX fact_orders_pending ON curated.fact_orders (order_id) WHERE customer_key = 0 OR product_key = 0;

GRANT SELECT ON ALL TABLES IN SCHEMA curated TO ingest, bi_readonly;
GRANT INSERT, UPDATE ON curated.fact_orders TO ingest;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA curated TO etl;
ALTER DEFAULT PRIVILEGES IN SCHEMA curated GRANT SELECT ON TABLES TO bi_readonly;
