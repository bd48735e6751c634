{{ config(indexes=[{'columns': ['order_id'], 'unique': true}, {'columns': ['ordered_at'], 'type': 'brin'}]) }}
WITH winners AS (
    SELECT DISTINCT ON (order_id) *
    FROM raw.orders
    ORDER BY order_id, order_version DESC, event_id DESC
)
SELECT
    order_id, order_version, event_id, ordered_at, (ordered_at AT TIME ZONE 'UTC')::date AS order_date,
    coalesce(customer_key, 0) AS customer_key, coalesce(product_key, 0) AS product_key,
    winners.customer_id, winners.product_id, quantity, winners.unit_price,
    quantity * winners.unit_price AS amount, winners.currency, status
FROM winners
LEFT JOIN {{ ref('dim_customers') }} AS customer
    ON customer.customer_id = winners.customer_id
    AND winners.ordered_at >= customer.valid_from AND winners.ordered_at < customer.valid_to
LEFT JOIN {{ ref('dim_products') }} AS product
    ON product.product_id = winners.product_id
    AND winners.ordered_at >= product.valid_from AND winners.ordered_at < product.valid_to
