-- rebuilt_customers, rebuilt_products -> curated dimensions; versions that no longer exist go first, so that
-- a new version with the same (id, valid_from) finds its place free.
DELETE FROM curated.dim_customers AS old
WHERE customer_key <> 0 AND NOT EXISTS (SELECT FROM rebuilt_customers AS new WHERE new.customer_key = old.customer_key);
INSERT INTO curated.dim_customers (customer_key, customer_id, name, country, segment, valid_from, valid_to)
SELECT customer_key, customer_id, name, country, segment, valid_from, valid_to FROM rebuilt_customers
ON CONFLICT (customer_key) DO UPDATE SET
    name = excluded.name, country = excluded.country, segment = excluded.segment, valid_to = excluded.valid_to;

DELETE FROM curated.dim_products AS old
WHERE product_key <> 0 AND NOT EXISTS (SELECT FROM rebuilt_products AS new WHERE new.product_key = old.product_key);
INSERT INTO curated.dim_products
    (product_key, product_id, name, category, unit_price, currency, valid_from, valid_to)
SELECT product_key, product_id, name, category, unit_price, currency, valid_from, valid_to FROM rebuilt_products
ON CONFLICT (product_key) DO UPDATE SET
    name = excluded.name, category = excluded.category, unit_price = excluded.unit_price,
    currency = excluded.currency, valid_to = excluded.valid_to;
