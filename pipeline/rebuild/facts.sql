-- raw.orders and the published dimensions -> temporary rebuilt_facts: the winner of each order.
CREATE TEMPORARY TABLE rebuilt_facts ON COMMIT DROP AS
WITH winners AS (
    SELECT DISTINCT ON (order_id) *
    FROM raw.orders
    ORDER BY order_id, order_version DESC, event_id DESC
)
SELECT
    order_id, order_version, event_id, ordered_at, coalesce(customer_key, 0) AS customer_key,
    coalesce(product_key, 0) AS product_key, winners.customer_id, winners.product_id, quantity,
    winners.unit_price, winners.currency, status
FROM winners
LEFT JOIN curated.dim_customers AS customer
    ON customer.customer_id = winners.customer_id
    AND winners.ordered_at >= customer.valid_from AND winners.ordered_at < customer.valid_to
LEFT JOIN curated.dim_products AS product
    ON product.product_id = winners.product_id
    AND winners.ordered_at >= product.valid_from AND winners.ordered_at < product.valid_to;
