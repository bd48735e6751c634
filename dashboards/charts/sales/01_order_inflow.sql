SELECT minute, new_orders
FROM (SELECT minute, new_orders, sum(new_orders) OVER () AS total FROM curated.order_inflow) AS inflow
WHERE total > 0
ORDER BY minute
