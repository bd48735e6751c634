-- A full rebuild trusts raw alone: what raw does not know goes, before the merge brings what it does.
DELETE FROM curated.dim_customers AS old
WHERE customer_key <> 0
    AND NOT EXISTS (SELECT FROM staging.dim_customers AS new WHERE new.customer_key = old.customer_key);
DELETE FROM curated.dim_products AS old
WHERE product_key <> 0
    AND NOT EXISTS (SELECT FROM staging.dim_products AS new WHERE new.product_key = old.product_key);
DELETE FROM curated.fact_orders AS fact
WHERE NOT EXISTS (
    SELECT FROM raw.orders AS event WHERE event.event_id = fact.event_id
        AND event.order_id = fact.order_id AND event.order_version = fact.order_version
);
