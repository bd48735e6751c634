-- Staging -> curated, in the caller's transaction under the exclusive writers' lock: no stream row can come
-- between, and readers see the state before it or the one after it.

-- Versions that no longer exist go first, so that a new one with the same (id, valid_from) finds its place free.
DELETE FROM curated.dim_customers AS old USING staging.dim_customers AS member
WHERE old.customer_id = member.customer_id
    AND NOT EXISTS (SELECT FROM staging.dim_customers AS new WHERE new.customer_key = old.customer_key);
INSERT INTO curated.dim_customers AS old (customer_key, customer_id, name, country, segment, valid_from, valid_to)
SELECT customer_key, customer_id, name, country, segment, valid_from, valid_to FROM staging.dim_customers
ON CONFLICT (customer_key) DO UPDATE SET
    name = excluded.name, country = excluded.country, segment = excluded.segment, valid_to = excluded.valid_to
WHERE (old.name, old.country, old.segment, old.valid_to)
    IS DISTINCT FROM (excluded.name, excluded.country, excluded.segment, excluded.valid_to);

DELETE FROM curated.dim_products AS old USING staging.dim_products AS member
WHERE old.product_id = member.product_id
    AND NOT EXISTS (SELECT FROM staging.dim_products AS new WHERE new.product_key = old.product_key);
INSERT INTO curated.dim_products AS old
    (product_key, product_id, name, category, unit_price, currency, valid_from, valid_to)
SELECT product_key, product_id, name, category, unit_price, currency, valid_from, valid_to
FROM staging.dim_products
ON CONFLICT (product_key) DO UPDATE SET
    name = excluded.name, category = excluded.category, unit_price = excluded.unit_price,
    currency = excluded.currency, valid_to = excluded.valid_to
WHERE (old.name, old.category, old.unit_price, old.currency, old.valid_to)
    IS DISTINCT FROM
    (excluded.name, excluded.category, excluded.unit_price, excluded.currency, excluded.valid_to);

-- The winner rule: a fact that the stream has made newer since stays.
UPDATE curated.fact_orders AS fact SET
    order_version = new.order_version, event_id = new.event_id, ordered_at = new.ordered_at,
    customer_key = new.customer_key, product_key = new.product_key, customer_id = new.customer_id,
    product_id = new.product_id, quantity = new.quantity, unit_price = new.unit_price,
    currency = new.currency, status = new.status
FROM staging.fact_orders AS new
WHERE fact.order_id = new.order_id
    AND (new.order_version, new.event_id) >= (fact.order_version, fact.event_id)
    AND (fact.order_version, fact.event_id, fact.ordered_at, fact.customer_key, fact.product_key,
         fact.customer_id, fact.product_id, fact.quantity, fact.unit_price, fact.currency, fact.status)
        IS DISTINCT FROM
        (new.order_version, new.event_id, new.ordered_at, new.customer_key, new.product_key,
         new.customer_id, new.product_id, new.quantity, new.unit_price, new.currency, new.status);

-- In the order of time, which the block ranges of ordered_at live on.
INSERT INTO curated.fact_orders (
    order_id, order_version, event_id, ordered_at, customer_key, product_key, customer_id, product_id, quantity,
    unit_price, currency, status
)
SELECT
    order_id, order_version, event_id, ordered_at, customer_key, product_key, customer_id, product_id, quantity,
    unit_price, currency, status
FROM staging.fact_orders AS new
WHERE NOT EXISTS (SELECT FROM curated.fact_orders AS fact WHERE fact.order_id = new.order_id)
ORDER BY ordered_at;

-- Catch up: what the stream wrote since the mark was keyed with the versions of before.
WITH late AS (
    SELECT DISTINCT order_id FROM raw.orders WHERE raw_id > %(until)s
),
right_keys AS (
    SELECT fact.order_id, coalesce(customer.customer_key, 0) AS customer_key,
        coalesce(product.product_key, 0) AS product_key
    FROM late JOIN curated.fact_orders AS fact USING (order_id)
    LEFT JOIN curated.dim_customers AS customer
        ON customer.customer_id = fact.customer_id
        AND fact.ordered_at >= customer.valid_from AND fact.ordered_at < customer.valid_to
    LEFT JOIN curated.dim_products AS product
        ON product.product_id = fact.product_id
        AND fact.ordered_at >= product.valid_from AND fact.ordered_at < product.valid_to
)
UPDATE curated.fact_orders AS fact
SET customer_key = right_keys.customer_key, product_key = right_keys.product_key
FROM right_keys
WHERE fact.order_id = right_keys.order_id
    AND (fact.customer_key, fact.product_key) <> (right_keys.customer_key, right_keys.product_key);
