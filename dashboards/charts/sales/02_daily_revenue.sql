WITH sold AS (
    SELECT order_date, currency, revenue
    FROM curated.daily_revenue
    WHERE order_date BETWEEN curated.first_day() AND curated.last_day()
),
-- A day without orders is a day without revenue, not a gap for the line to jump over.
days AS (
    SELECT day::date AS order_date, currency
    FROM generate_series(curated.first_day()::timestamp, curated.last_day()::timestamp, interval '1 day') AS day
    CROSS JOIN (SELECT DISTINCT currency FROM sold) AS currencies
)
SELECT order_date, currency, coalesce(revenue, 0) AS revenue
FROM days
LEFT JOIN sold USING (order_date, currency)
ORDER BY order_date, currency
