SELECT replace(segment, '_', ' ') AS segment, sum(orders)::bigint AS orders,
    round(100 * sum(orders) / sum(sum(orders)) OVER (), 1) AS share
FROM curated.daily_segments
WHERE order_date BETWEEN curated.first_day() AND curated.last_day()
GROUP BY segment
ORDER BY orders DESC, segment
