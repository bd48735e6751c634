SELECT checked_at, kind, phase, passed, failed, warned, skipped, accepted, coalesce(not_passed, '–') AS not_passed
FROM curated.pipeline_health_gates
ORDER BY checked_at DESC
