-- rebuilt_facts -> curated.fact_orders, under the winner rule; an equal winner with other keys is repaired.
INSERT INTO curated.fact_orders AS fact (
    order_id, order_version, event_id, ordered_at, customer_key, product_key, customer_id, product_id, quantity,
    unit_price, currency, status
)
SELECT
    order_id, order_version, event_id, ordered_at, customer_key, product_key, customer_id, product_id, quantity,
    unit_price, currency, status
FROM rebuilt_facts
ORDER BY order_id
ON CONFLICT (order_id) DO UPDATE SET
    order_version = excluded.order_version, event_id = excluded.event_id, ordered_at = excluded.ordered_at,
    customer_key = excluded.customer_key, product_key = excluded.product_key,
    customer_id = excluded.customer_id, product_id = excluded.product_id, quantity = excluded.quantity,
    unit_price = excluded.unit_price, currency = excluded.currency, status = excluded.status
WHERE (excluded.order_version, excluded.event_id) > (fact.order_version, fact.event_id)
    OR ((excluded.order_version, excluded.event_id) = (fact.order_version, fact.event_id)
        AND (excluded.customer_key, excluded.product_key) <> (fact.customer_key, fact.product_key));
