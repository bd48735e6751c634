-- Facts of a year, evenly spread: 500 products in four currencies, 10,000 customers, every twentieth cancelled.
INSERT INTO curated.fact_orders (
    order_id, order_version, event_id, ordered_at, customer_key, product_key, customer_id, product_id, quantity,
    unit_price, currency, status
)
SELECT
    lpad(to_hex(number), 32, '0')::uuid, 1, lpad(to_hex(number), 32, 'e')::uuid, ordered_at,
    keys[1 + (number * 7919) %% array_length(keys, 1)], 1, 1, product, 1 + number %% 5,
    (99 + number %% 10000) / 100.0, (ARRAY['EUR', 'USD', 'GBP', 'CHF'])[1 + product %% 4],
    CASE WHEN number %% 20 = 0 THEN 'cancelled' ELSE 'placed' END
FROM (
    SELECT number, 1 + (number * 104729) %% 500 AS product,
        now() - interval '365 days' * (1 - number / %(orders)s::float8) AS ordered_at
    FROM generate_series(1, %(orders)s::bigint) AS number
) AS orders
CROSS JOIN (SELECT array_agg(customer_key) AS keys FROM curated.dim_customers) AS members
