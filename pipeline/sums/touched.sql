-- The orders whose share in the sums a publication may change -> temporary touched_orders: what it stages, what
-- the stream wrote since the mark, and the orders of versions that go or get another segment under their key.
CREATE TEMPORARY TABLE touched_orders ON COMMIT DROP AS
WITH moved AS (
    SELECT old.customer_key, old.valid_from
    FROM curated.dim_customers AS old
    LEFT JOIN staging.dim_customers AS new USING (customer_key)
    WHERE old.customer_id IN (SELECT customer_id FROM staging.dim_customers)
        AND old.segment IS DISTINCT FROM new.segment
)
SELECT order_id FROM staging.fact_orders
UNION
SELECT order_id FROM raw.orders WHERE raw_id > %(until)s
UNION
SELECT order_id FROM curated.fact_orders AS fact JOIN moved USING (customer_key)
WHERE fact.ordered_at >= (SELECT min(valid_from) FROM moved);
ANALYZE touched_orders;
