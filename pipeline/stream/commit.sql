-- Staged events -> raw.orders -> curated.fact_orders, in the caller's transaction.
-- Sorted inserts give every writer the same lock order; the winner rule makes any order of arrival agree.
-- Facts follow from the rows that raw took, not from what was staged: a second event with a known event_id
-- changes nothing, whatever it holds. Each fact's old and new state are what dashboards' sums have to lose and gain.
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
    RETURNING
        old.order_date AS old_date, old.currency AS old_currency, old.product_id AS old_product_id,
        old.customer_key AS old_customer_key, old.quantity AS old_quantity, old.amount AS old_amount,
        old.status AS old_status, new.order_date, new.currency, new.product_id, new.customer_key, new.quantity,
        new.amount, new.status
),
gains AS (
    SELECT 1 AS sign, order_date, currency, product_id, customer_key, quantity, amount
    FROM upserted WHERE status <> 'cancelled'
    UNION ALL
    SELECT -1, old_date, old_currency, old_product_id, old_customer_key, old_quantity, old_amount
    FROM upserted WHERE old_status <> 'cancelled'
),
changes AS (
    INSERT INTO ops.order_changes (order_date, currency, product_id, segment, orders, units, revenue)
    SELECT order_date, gains.currency, product_id, coalesce(segment, 'unknown'), sum(sign),
        sum(sign * quantity), sum(sign * amount)
    FROM gains
    LEFT JOIN curated.dim_customers USING (customer_key)
    GROUP BY 1, 2, 3, 4
    HAVING (sum(sign), sum(sign * quantity), sum(sign * amount)) <> (0, 0, 0)
)
SELECT
    (SELECT count(*) FROM fresh),
    (SELECT count(*) FROM upserted WHERE old_date IS NULL),
    -- Those that raw did not take, for known_events.sql; nobody pays for it where it took all.
    CASE WHEN (SELECT count(*) FROM fresh) < %(staged)s THEN ARRAY(
        SELECT source_offset FROM staged_orders AS staged
        WHERE NOT EXISTS (SELECT FROM fresh WHERE fresh.source_offset = staged.source_offset)
    ) END
