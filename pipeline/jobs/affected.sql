-- The orders that a run rebuilds -> staging.affected_orders.
-- New keys reach back no further than their first day, so the block ranges of ordered_at spare the rest.
WITH new_customers AS (
    SELECT staged.* FROM staging.dim_customers AS staged
    LEFT JOIN curated.dim_customers AS published USING (customer_key)
    WHERE (published.customer_key IS NULL OR published.valid_to < staged.valid_to)
        AND EXISTS (SELECT FROM curated.dim_customers AS known WHERE known.customer_id = staged.customer_id)
),
new_products AS (
    SELECT staged.* FROM staging.dim_products AS staged
    LEFT JOIN curated.dim_products AS published USING (product_key)
    WHERE (published.product_key IS NULL OR published.valid_to < staged.valid_to)
        AND EXISTS (SELECT FROM curated.dim_products AS known WHERE known.product_id = staged.product_id)
),
affected AS (
    -- an increment: rows since the mark
    SELECT order_id FROM raw.orders
    WHERE %(kind)s = 'increment' AND raw_id > %(after)s AND raw_id <= %(until)s
    UNION
    -- a backfill: its days; what came since the mark may not have a fact yet
    SELECT order_id FROM curated.fact_orders
    WHERE %(kind)s = 'backfill' AND ordered_at >= %(from_day)s AND ordered_at < %(until_day)s
    UNION
    SELECT order_id FROM raw.orders
    WHERE %(kind)s = 'backfill' AND raw_id > %(after)s AND raw_id <= %(until)s
        AND ordered_at >= %(from_day)s AND ordered_at < %(until_day)s
    UNION
    -- unknown members
    SELECT order_id FROM curated.fact_orders WHERE customer_key = 0 OR product_key = 0
    UNION
    -- changed versions
    SELECT order_id FROM curated.fact_orders AS fact JOIN new_customers AS version USING (customer_id)
    WHERE fact.ordered_at >= (SELECT min(valid_from) FROM new_customers)
        AND fact.ordered_at >= version.valid_from AND fact.ordered_at < version.valid_to
        AND fact.customer_key <> version.customer_key
    UNION
    SELECT order_id FROM curated.fact_orders AS fact JOIN new_products AS version USING (product_id)
    WHERE fact.ordered_at >= (SELECT min(valid_from) FROM new_products)
        AND fact.ordered_at >= version.valid_from AND fact.ordered_at < version.valid_to
        AND fact.product_key <> version.product_key
)
INSERT INTO staging.affected_orders (order_id, slice)
SELECT order_id, (row_number() OVER () - 1) / %(orders_per_slice)s FROM affected
