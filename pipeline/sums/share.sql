-- What touched_orders count for in the sums right now, taken away (sign -1) or added (1).
INSERT INTO ops.order_changes (order_date, currency, product_id, segment, orders, units, revenue)
SELECT order_date, fact.currency, fact.product_id, coalesce(segment, 'unknown'),
    %(sign)s * count(*), %(sign)s * sum(quantity), %(sign)s * sum(amount)
FROM touched_orders
JOIN curated.fact_orders AS fact USING (order_id)
LEFT JOIN curated.dim_customers USING (customer_key)
WHERE status <> 'cancelled'
GROUP BY 1, 2, 3, 4
