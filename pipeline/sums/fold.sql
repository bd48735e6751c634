-- Changes -> sums, in one statement: what commits after its snapshot stays a change, and readers see each change
-- in one of the two places, never in both.
WITH folded AS (
    DELETE FROM ops.order_changes RETURNING *
),
revenue AS (
    INSERT INTO ops.daily_revenue AS sums (order_date, currency, orders, units, revenue)
    SELECT order_date, currency, sum(orders), sum(units), sum(revenue) FROM folded GROUP BY 1, 2
    ON CONFLICT (order_date, currency) DO UPDATE SET
        orders = sums.orders + excluded.orders, units = sums.units + excluded.units,
        revenue = sums.revenue + excluded.revenue
),
products AS (
    INSERT INTO ops.daily_products AS sums (order_date, currency, product_id, orders, units, revenue)
    SELECT order_date, currency, product_id, sum(orders), sum(units), sum(revenue) FROM folded GROUP BY 1, 2, 3
    ON CONFLICT (order_date, product_id, currency) DO UPDATE SET
        orders = sums.orders + excluded.orders, units = sums.units + excluded.units,
        revenue = sums.revenue + excluded.revenue
),
segments AS (
    INSERT INTO ops.daily_segments AS sums (order_date, currency, segment, orders, units, revenue)
    SELECT order_date, currency, segment, sum(orders), sum(units), sum(revenue) FROM folded GROUP BY 1, 2, 3
    ON CONFLICT (order_date, segment, currency) DO UPDATE SET
        orders = sums.orders + excluded.orders, units = sums.units + excluded.units,
        revenue = sums.revenue + excluded.revenue
)
SELECT count(*) FROM folded
