SELECT replace(reason, '_', ' ') AS reason, waiting, last_day, last_week
FROM curated.pipeline_health_dlq
ORDER BY waiting DESC, reason
