-- Staged events -> raw.orders -> curated.fact_orders, in the caller's transaction.
-- Sorted inserts give every writer the same lock order; the winner rule makes any order of arrival agree.
-- Facts follow from the rows that raw took, not from what was staged: a second event with a known event_id
-- changes nothing, whatever it holds.
WITH fresh AS (
    INSERT INTO raw.orders (
        event_id, event_type, event_time, schema_version, order_id, order_version, ordered_at, customer_id,
        product_id, quantity, unit_price, currency, status, extra, source, source_partition, source_offset,
        source_timestamp
    )
    SELECT
        event_id, event_type, event_time, schema_version, order_id, order_version, ordered_at, customer_id,
        product_id, quantity, unit_price, currency, status,
        -- What jsonb can't hold (a lone surrogate, a number out of range) is kept as a JSON string.
        CASE
            WHEN extra IS NULL THEN NULL
            WHEN pg_input_is_valid(extra, 'jsonb') THEN nullif(extra::jsonb - %(fields)s::text[], '{}'::jsonb)
            ELSE to_jsonb(extra)
        END,
        %(topic)s, %(partition)s, source_offset, 'epoch'::timestamptz + timestamp_ms * interval '1 millisecond'
    FROM staged_orders
    ORDER BY event_id, source_offset
    ON CONFLICT (event_id) DO NOTHING
    RETURNING source_offset, order_id, order_version, event_id, ordered_at, customer_id, product_id, quantity,
        unit_price, currency, status
),
upserted AS (
    INSERT INTO curated.fact_orders AS fact (
        order_id, order_version, event_id, ordered_at, customer_key, product_key, customer_id, product_id,
        quantity, unit_price, currency, status
    )
    SELECT DISTINCT ON (order_id)
        order_id, order_version, event_id, ordered_at, coalesce(customer_key, 0), coalesce(product_key, 0),
        fresh.customer_id, fresh.product_id, quantity, fresh.unit_price, fresh.currency, status
    FROM fresh
    LEFT JOIN curated.dim_customers AS customer
        ON customer.customer_id = fresh.customer_id
        AND fresh.ordered_at >= customer.valid_from AND fresh.ordered_at < customer.valid_to
    LEFT JOIN curated.dim_products AS product
        ON product.product_id = fresh.product_id
        AND fresh.ordered_at >= product.valid_from AND fresh.ordered_at < product.valid_to
    ORDER BY order_id, order_version DESC, event_id DESC
    ON CONFLICT (order_id) DO UPDATE SET
        order_version = excluded.order_version, event_id = excluded.event_id, ordered_at = excluded.ordered_at,
        customer_key = excluded.customer_key, product_key = excluded.product_key,
        customer_id = excluded.customer_id, product_id = excluded.product_id, quantity = excluded.quantity,
        unit_price = excluded.unit_price, currency = excluded.currency, status = excluded.status
    WHERE (excluded.order_version, excluded.event_id) > (fact.order_version, fact.event_id)
)
SELECT
    (SELECT count(*) FROM fresh),
    -- Those that raw did not take, for known_events.sql; nobody pays for it where it took all.
    CASE WHEN (SELECT count(*) FROM fresh) < %(staged)s THEN ARRAY(
        SELECT source_offset FROM staged_orders AS staged
        WHERE NOT EXISTS (SELECT FROM fresh WHERE fresh.source_offset = staged.source_offset)
    ) END
