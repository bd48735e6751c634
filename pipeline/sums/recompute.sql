-- All sums anew from the facts, under the writers' exclusive lock; there are no changes left then.
DELETE FROM ops.order_changes;
DELETE FROM ops.daily_revenue;
DELETE FROM ops.daily_products;
DELETE FROM ops.daily_segments;
CREATE TEMPORARY TABLE all_sums ON COMMIT DROP AS
SELECT order_date, fact.currency, fact.product_id, coalesce(segment, 'unknown') AS segment,
    count(*) AS orders, sum(quantity) AS units, sum(amount) AS revenue
FROM curated.fact_orders AS fact
LEFT JOIN curated.dim_customers USING (customer_key)
WHERE status <> 'cancelled'
GROUP BY 1, 2, 3, 4;
INSERT INTO ops.daily_revenue (order_date, currency, orders, units, revenue)
SELECT order_date, currency, sum(orders), sum(units), sum(revenue) FROM all_sums GROUP BY 1, 2 ORDER BY 1;
INSERT INTO ops.daily_products (order_date, currency, product_id, orders, units, revenue)
SELECT order_date, currency, product_id, sum(orders), sum(units), sum(revenue)
FROM all_sums GROUP BY 1, 2, 3 ORDER BY 1;
INSERT INTO ops.daily_segments (order_date, currency, segment, orders, units, revenue)
SELECT order_date, currency, segment, sum(orders), sum(units), sum(revenue)
FROM all_sums GROUP BY 1, 2, 3 ORDER BY 1;
