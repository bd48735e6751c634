WITH best AS (
    SELECT product_id, sum(units) AS units, sum(orders) AS orders
    FROM curated.daily_products
    WHERE order_date BETWEEN curated.first_day() AND curated.last_day()
    GROUP BY product_id
    ORDER BY units DESC, product_id
    LIMIT 10
)
-- Two products may share a name; the number tells them apart. One that no publication knows yet has no name.
SELECT coalesce(name, 'Unknown product') || ' #' || product_id AS product, units::bigint, orders::bigint
FROM best
LEFT JOIN curated.dim_products USING (product_id)
WHERE is_current IS NOT false
ORDER BY units DESC, product_id
