-- raw.customers, raw.products -> temporary rebuilt_customers, rebuilt_products: type 2, a version per change.
-- The key is a hash of (id, valid_from in microseconds), so that any engine reproduces it; 60 bits keep it
-- positive. The first version starts at the epoch, so that earlier orders find it.
CREATE TEMPORARY TABLE rebuilt_customers ON COMMIT DROP AS
WITH changes AS (
    SELECT
        customer_id, name, country, segment, effective_at,
        lag((name, country, segment)) OVER history IS NOT DISTINCT FROM (name, country, segment) AS repeated,
        row_number() OVER history = 1 AS is_first
    FROM raw.customers
    WINDOW history AS (PARTITION BY customer_id ORDER BY effective_at)
),
versions AS (
    SELECT *, CASE WHEN is_first THEN 'epoch'::timestamptz ELSE effective_at END AS valid_from
    FROM changes
    WHERE is_first OR NOT repeated
)
SELECT
    ('x0' || left(md5(customer_id || '|' || (extract(epoch FROM valid_from) * 1000000)::bigint), 15))::bit(64)::bigint
        AS customer_key,
    customer_id, name, country, segment, valid_from,
    coalesce(lead(valid_from) OVER (PARTITION BY customer_id ORDER BY valid_from), '9999-12-31T00:00:00Z') AS valid_to
FROM versions;

CREATE TEMPORARY TABLE rebuilt_products ON COMMIT DROP AS
WITH changes AS (
    SELECT
        product_id, name, category, unit_price, currency, effective_at,
        lag((name, category, unit_price, currency)) OVER history
            IS NOT DISTINCT FROM (name, category, unit_price, currency) AS repeated,
        row_number() OVER history = 1 AS is_first
    FROM raw.products
    WINDOW history AS (PARTITION BY product_id ORDER BY effective_at)
),
versions AS (
    SELECT *, CASE WHEN is_first THEN 'epoch'::timestamptz ELSE effective_at END AS valid_from
    FROM changes
    WHERE is_first OR NOT repeated
)
SELECT
    ('x0' || left(md5(product_id || '|' || (extract(epoch FROM valid_from) * 1000000)::bigint), 15))::bit(64)::bigint
        AS product_key,
    product_id, name, category, unit_price, currency, valid_from,
    coalesce(lead(valid_from) OVER (PARTITION BY product_id ORDER BY valid_from), '9999-12-31T00:00:00Z') AS valid_to
FROM versions;
