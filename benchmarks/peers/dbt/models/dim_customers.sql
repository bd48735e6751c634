{{ config(indexes=[{'columns': ['customer_key'], 'unique': true}]) }}
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
FROM versions
