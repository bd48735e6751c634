SELECT minute, delay_s
FROM (SELECT minute, delay_s, max(delay_s) OVER () AS slowest FROM curated.pipeline_health_freshness) AS delays
WHERE slowest IS NOT NULL
ORDER BY minute
