-- What dashboards read, against the facts that it sums up; no row where all is well.
WITH facts AS (
    SELECT order_date, fact.currency, fact.product_id, coalesce(segment, 'unknown') AS segment,
        count(*) AS orders, sum(quantity) AS units, sum(amount) AS revenue
    FROM curated.fact_orders AS fact
    LEFT JOIN curated.dim_customers USING (customer_key)
    WHERE status <> 'cancelled'
    GROUP BY 1, 2, 3, 4
),
expected AS (
    SELECT 'revenue' AS view, order_date, currency, '' AS part, sum(orders) AS orders, sum(units) AS units,
        sum(revenue) AS revenue
    FROM facts GROUP BY 2, 3
    UNION ALL
    SELECT 'products', order_date, currency, product_id::text, sum(orders), sum(units), sum(revenue)
    FROM facts GROUP BY 2, 3, 4
    UNION ALL
    SELECT 'segments', order_date, currency, segment, sum(orders), sum(units), sum(revenue)
    FROM facts GROUP BY 2, 3, 4
),
shown AS (
    SELECT 'revenue' AS view, order_date, currency, '' AS part, orders::numeric, units::numeric, revenue
    FROM curated.daily_revenue
    UNION ALL
    SELECT 'products', order_date, currency, product_id::text, orders, units, revenue FROM curated.daily_products
    UNION ALL
    SELECT 'segments', order_date, currency, segment, orders, units, revenue FROM curated.daily_segments
)
SELECT view, order_date::text, currency, part, expected.orders, shown.orders, expected.revenue, shown.revenue
FROM expected
FULL JOIN shown USING (view, order_date, currency, part)
WHERE (expected.orders, expected.units, expected.revenue)
    IS DISTINCT FROM (shown.orders, shown.units, shown.revenue)
ORDER BY 1, 2, 3, 4
