{{ config(indexes=[{'columns': ['product_key'], 'unique': true}]) }}
WITH changes AS (
    SELECT
        product_id, name, category, unit_price, currency, effective_at,
        lag((name, category, unit_price, currency)) OVER history IS NOT DISTINCT FROM (name, category, unit_price, currency) AS repeated,
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
FROM versions
