SELECT coalesce(sum(waiting), 0)::bigint AS waiting, coalesce(sum(last_day), 0)::bigint AS last_day
FROM curated.pipeline_health_dlq
