-- What is wrong with curated.fact_orders, asked of each row instead of building the table again as a publication
-- does: every event has a fact that it does not beat, and every fact says what its own event says and points at
-- the published versions that were valid when it was ordered.
WITH unanswered AS (
    SELECT event.order_id, bool_or(fact.order_id IS NULL) AS missing
    FROM raw.orders AS event
    LEFT JOIN curated.fact_orders AS fact ON fact.order_id = event.order_id
    WHERE fact.order_id IS NULL
        OR (event.order_version, event.event_id) > (fact.order_version, fact.event_id)
    GROUP BY event.order_id
),
untrue AS (
    SELECT fact.order_id
    FROM curated.fact_orders AS fact
    LEFT JOIN raw.orders AS event ON event.event_id = fact.event_id
    LEFT JOIN curated.dim_customers AS customer ON customer.customer_key = fact.customer_key
    LEFT JOIN curated.dim_products AS product ON product.product_key = fact.product_key
    WHERE (
            event.order_id, event.order_version, event.ordered_at, event.customer_id, event.product_id,
            event.quantity, event.unit_price, event.currency, event.status
        ) IS DISTINCT FROM (
            fact.order_id, fact.order_version, fact.ordered_at, fact.customer_id, fact.product_id,
            fact.quantity, fact.unit_price, fact.currency, fact.status
        )
        OR CASE WHEN fact.customer_key = 0 THEN EXISTS (
                SELECT FROM curated.dim_customers AS known
                WHERE known.customer_id = fact.customer_id
                    AND fact.ordered_at >= known.valid_from AND fact.ordered_at < known.valid_to
            )
            ELSE (
                customer.customer_id = fact.customer_id
                AND fact.ordered_at >= customer.valid_from AND fact.ordered_at < customer.valid_to
            ) IS NOT TRUE END
        OR CASE WHEN fact.product_key = 0 THEN EXISTS (
                SELECT FROM curated.dim_products AS known
                WHERE known.product_id = fact.product_id
                    AND fact.ordered_at >= known.valid_from AND fact.ordered_at < known.valid_to
            )
            ELSE (
                product.product_id = fact.product_id
                AND fact.ordered_at >= product.valid_from AND fact.ordered_at < product.valid_to
            ) IS NOT TRUE END
),
faults AS (
    SELECT order_id, CASE WHEN missing THEN 'missing_facts' ELSE 'different_facts' END AS fault FROM unanswered
    UNION
    SELECT
        order_id,
        CASE WHEN EXISTS (SELECT FROM raw.orders AS event WHERE event.order_id = untrue.order_id)
            THEN 'different_facts' ELSE 'surplus_facts' END
    FROM untrue
)
SELECT fault, count(*), (array_agg(order_id::text ORDER BY order_id))[:5] FROM faults GROUP BY fault
