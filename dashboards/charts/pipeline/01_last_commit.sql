SELECT last_commit_age_s, last_commit_at
FROM curated.pipeline_health_stream
WHERE last_commit_at IS NOT NULL
