-- The versions in curated.dim_products that differ from what raw.products says: a version for each state that is not
-- that of the moment before, until the first later state that is another. Each state looks at its neighbours by the
-- primary key, where a publication takes windows over all of them.
-- Whoever has states beyond the last publication's mark waits for the next one; that is no fault.
WITH expected AS (
    SELECT
        state.product_id, state.name, state.category, state.unit_price, state.currency,
        CASE WHEN earlier.product_id IS NULL THEN 'epoch'::timestamptz ELSE state.effective_at END AS valid_from,
        coalesce(later.effective_at, '9999-12-31T00:00:00Z'::timestamptz) AS valid_to
    FROM raw.products AS state
    LEFT JOIN LATERAL (
        SELECT * FROM raw.products AS other
        WHERE other.product_id = state.product_id AND other.effective_at < state.effective_at
        ORDER BY other.effective_at DESC LIMIT 1
    ) AS earlier ON true
    LEFT JOIN LATERAL (
        SELECT other.effective_at FROM raw.products AS other
        WHERE other.product_id = state.product_id AND other.effective_at > state.effective_at
            AND (other.name, other.category, other.unit_price, other.currency)
                IS DISTINCT FROM (state.name, state.category, state.unit_price, state.currency)
        ORDER BY other.effective_at LIMIT 1
    ) AS later ON true
    WHERE earlier.product_id IS NULL
        OR (earlier.name, earlier.category, earlier.unit_price, earlier.currency)
            IS DISTINCT FROM (state.name, state.category, state.unit_price, state.currency)
),
keyed AS (
    SELECT
        ('x' || lpad(left(md5(concat(
            product_id, '|', trunc(extract(epoch FROM valid_from) * 1000000)
        )), 15), 16, '0'))::bit(64)::bigint AS product_key,
        expected.*
    FROM expected
    UNION ALL
    SELECT 0, 0, 'Unknown', 'unknown', 0, '---', '1970-01-01T00:00:00Z', '9999-12-31T00:00:00Z'
),
differing AS (
    SELECT product_id, valid_from
    FROM keyed
    FULL JOIN curated.dim_products AS published USING (product_id, valid_from)
    WHERE (keyed.product_key, keyed.name, keyed.category, keyed.unit_price, keyed.currency, keyed.valid_to)
        IS DISTINCT FROM (published.product_key, published.name, published.category, published.unit_price, published.currency, published.valid_to)
),
judged AS (
    SELECT
        'product ' || product_id || ' from ' || (valid_from AT TIME ZONE 'UTC') || ' UTC' AS place,
        CASE WHEN EXISTS (
            SELECT FROM raw.products AS state
            WHERE state.product_id = differing.product_id AND state.raw_id > coalesce(
                (SELECT products_mark FROM ops.publications ORDER BY publication_id DESC LIMIT 1), 0)
        ) THEN 'pending_versions' ELSE 'different_versions' END AS fault
    FROM differing
)
SELECT fault, count(*), (array_agg(place ORDER BY place))[:5] FROM judged GROUP BY fault
