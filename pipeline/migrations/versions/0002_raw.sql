CREATE TABLE raw.customers (
    customer_id  bigint      NOT NULL CHECK (customer_id > 0),
    effective_at timestamptz NOT NULL,
    name         text        NOT NULL,
    email        text        NOT NULL,
    country      text        NOT NULL CHECK (length(country) = 2),
    segment      text        NOT NULL,
    ingested_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (customer_id, effective_at)
);
COMMENT ON TABLE raw.customers IS 'Append-only: a row for each state of a customer, from effective_at on.';

CREATE TABLE raw.products (
    product_id   bigint         NOT NULL CHECK (product_id > 0),
    effective_at timestamptz    NOT NULL,
    name         text           NOT NULL,
    category     text           NOT NULL,
    unit_price   numeric(12, 2) NOT NULL CHECK (unit_price >= 0),
    currency     text           NOT NULL,
    ingested_at  timestamptz    NOT NULL DEFAULT now(),
    PRIMARY KEY (product_id, effective_at)
);
COMMENT ON TABLE raw.products IS 'Append-only: a row for each state of a product, from effective_at on.';

-- Value checks stand in the event's validation, before the row gets here; the table repeats those whose
-- violation would make sums wrong.
CREATE TABLE raw.orders (
    raw_id           bigint GENERATED ALWAYS AS IDENTITY,
    event_id         uuid           PRIMARY KEY,
    event_type       text           NOT NULL,
    event_time       timestamptz    NOT NULL,
    schema_version   text           NOT NULL,
    order_id         uuid           NOT NULL,
    order_version    integer        NOT NULL CHECK (order_version > 0),
    ordered_at       timestamptz    NOT NULL,
    customer_id      bigint         NOT NULL,
    product_id       bigint         NOT NULL,
    quantity         integer        NOT NULL CHECK (quantity > 0),
    unit_price       numeric(12, 2) NOT NULL CHECK (unit_price >= 0),
    currency         text           NOT NULL,
    status           text           NOT NULL,
    extra            jsonb,
    source           text           NOT NULL,
    source_partition integer,
    source_offset    bigint,
    source_timestamp timestamptz,
    ingested_at      timestamptz    NOT NULL DEFAULT now(),
    CHECK ((source = 'seed') = (source_offset IS NULL))
);
COMMENT ON TABLE raw.orders IS 'Append-only: one row per distinct event, keyed by event_id.';
COMMENT ON COLUMN raw.orders.raw_id IS 'Arrival order; the batch''s high-water mark is read under the writers'' lock.';
COMMENT ON COLUMN raw.orders.extra IS 'Fields that the event''s schema does not know, kept aside.';
COMMENT ON COLUMN raw.orders.source IS '''seed'', or the topic that the event came from.';
COMMENT ON COLUMN raw.orders.source_timestamp IS 'Kafka''s CreateTime; null for seeded rows.';

CREATE INDEX orders_order_id ON raw.orders (order_id);
-- raw_id follows the heap's order, so a block range index finds "all since the mark" at no cost for writers.
CREATE INDEX orders_raw_id ON raw.orders USING brin (raw_id) WITH (autosummarize = on);

GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA raw TO ingest;
GRANT SELECT ON ALL TABLES IN SCHEMA raw TO etl;
