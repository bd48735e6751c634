-- The sums of some days anew from the facts, under the writers' exclusive lock; no changes of theirs are left then.
DELETE FROM ops.order_changes WHERE order_date >= %(first)s AND order_date < %(until)s;
DELETE FROM ops.daily_revenue WHERE order_date >= %(first)s AND order_date < %(until)s;
DELETE FROM ops.daily_products WHERE order_date >= %(first)s AND order_date < %(until)s;
DELETE FROM ops.daily_segments WHERE order_date >= %(first)s AND order_date < %(until)s;
CREATE TEMPORARY TABLE all_sums ON COMMIT DROP AS
SELECT order_date, fact.currency, fact.product_id, coalesce(segment, 'unknown') AS segment,
    count(*) AS orders, sum(quantity) AS units, sum(amount) AS revenue
FROM curated.fact_orders AS fact
LEFT JOIN curated.dim_customers USING (customer_key)
WHERE status <> 'cancelled'
    -- By the instant, which has the block ranges.
    AND ordered_at >= %(first)s::date::timestamp AT TIME ZONE 'UTC'
    AND ordered_at < %(until)s::date::timestamp AT TIME ZONE 'UTC'
GROUP BY 1, 2, 3, 4;
INSERT INTO ops.daily_revenue (order_date, currency, orders, units, revenue)
SELECT order_date, currency, sum(orders), sum(units), sum(revenue) FROM all_sums GROUP BY 1, 2 ORDER BY 1;
INSERT INTO ops.daily_products (order_date, currency, product_id, orders, units, revenue)
SELECT order_date, currency, product_id, sum(orders), sum(units), sum(revenue)
FROM all_sums GROUP BY 1, 2, 3 ORDER BY 1;
INSERT INTO ops.daily_segments (order_date, currency, segment, orders, units, revenue)
SELECT order_date, currency, segment, sum(orders), sum(units), sum(revenue)
FROM all_sums GROUP BY 1, 2, 3 ORDER BY 1;
