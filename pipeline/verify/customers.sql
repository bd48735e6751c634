-- The versions in curated.dim_customers that differ from what raw.customers says: a version for each state that is not
-- that of the moment before, until the first later state that is another. Each state looks at its neighbours by the
-- primary key, where a publication takes windows over all of them.
-- Whoever has states beyond the last publication's mark waits for the next one; that is no fault.
WITH expected AS (
    SELECT
        state.customer_id, state.name, state.country, state.segment,
        CASE WHEN earlier.customer_id IS NULL THEN 'epoch'::timestamptz ELSE state.effective_at END AS valid_from,
        coalesce(later.effective_at, '9999-12-31T00:00:00Z'::timestamptz) AS valid_to
    FROM raw.customers AS state
    LEFT JOIN LATERAL (
        SELECT * FROM raw.customers AS other
        WHERE other.customer_id = state.customer_id AND other.effective_at < state.effective_at
        ORDER BY other.effective_at DESC LIMIT 1
    ) AS earlier ON true
    LEFT JOIN LATERAL (
        SELECT other.effective_at FROM raw.customers AS other
        WHERE other.customer_id = state.customer_id AND other.effective_at > state.effective_at
            AND (other.name, other.country, other.segment)
                IS DISTINCT FROM (state.name, state.country, state.segment)
        ORDER BY other.effective_at LIMIT 1
    ) AS later ON true
    WHERE earlier.customer_id IS NULL
        OR (earlier.name, earlier.country, earlier.segment)
            IS DISTINCT FROM (state.name, state.country, state.segment)
),
keyed AS (
    SELECT
        ('x' || lpad(left(md5(concat(
            customer_id, '|', trunc(extract(epoch FROM valid_from) * 1000000)
        )), 15), 16, '0'))::bit(64)::bigint AS customer_key,
        expected.*
    FROM expected
    UNION ALL
    SELECT 0, 0, 'Unknown', '--', 'unknown', '1970-01-01T00:00:00Z', '9999-12-31T00:00:00Z'
),
differing AS (
    SELECT customer_id, valid_from
    FROM keyed
    FULL JOIN curated.dim_customers AS published USING (customer_id, valid_from)
    WHERE (keyed.customer_key, keyed.name, keyed.country, keyed.segment, keyed.valid_to)
        IS DISTINCT FROM (published.customer_key, published.name, published.country, published.segment, published.valid_to)
),
judged AS (
    SELECT
        'customer ' || customer_id || ' from ' || (valid_from AT TIME ZONE 'UTC') || ' UTC' AS place,
        CASE WHEN EXISTS (
            SELECT FROM raw.customers AS state
            WHERE state.customer_id = differing.customer_id AND state.raw_id > coalesce(
                (SELECT customers_mark FROM ops.publications ORDER BY publication_id DESC LIMIT 1), 0)
        ) THEN 'pending_versions' ELSE 'different_versions' END AS fault
    FROM differing
)
SELECT fault, count(*), (array_agg(place ORDER BY place))[:5] FROM judged GROUP BY fault
