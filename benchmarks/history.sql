-- A year of orders, evenly spread, in the order of time; every tenth is changed once, an hour later.
-- Ids grow with time, as the producer's do.
INSERT INTO raw.orders (
    event_id, event_type, event_time, schema_version, order_id, order_version, ordered_at, customer_id,
    product_id, quantity, unit_price, currency, status, source
)
SELECT
    pg_temp.ordered_id(ordered_at, 'event' || number || '.' || version), 'created', ordered_at, '1.0',
    pg_temp.ordered_id(ordered_at, 'order' || number), version, ordered_at,
    1 + (number * 7919) %% 10000, 1 + (number * 104729) %% 500, 1 + number %% 5,
    (99 + number %% 10000) / 100.0, 'EUR', CASE version WHEN 1 THEN 'placed' ELSE 'shipped' END, 'seed'
FROM (
    SELECT number, version,
        %(start)s::timestamptz + number * (interval '365 days' / %(per_year)s) AS ordered_at
    FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS number
    CROSS JOIN LATERAL generate_series(1, CASE WHEN number %% 10 = 0 THEN 2 ELSE 1 END) AS version
) AS orders
ORDER BY number
