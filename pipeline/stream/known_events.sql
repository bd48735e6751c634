-- How many of the staged events that raw.orders did not take it has from another place. Counted for itself: what
-- was staged and is nowhere must not pass for a duplicate. Asked after commit.sql, whose snapshot is too old to
-- see a twin in the same batch or in another writer's.
-- A subquery in the select list is always a probe of the key, whatever the planner thinks of a table without
-- statistics.
SELECT count(*)
FROM (
    SELECT (
        SELECT (stored.source, stored.source_partition, stored.source_offset)
            IS DISTINCT FROM (%(topic)s, %(partition)s, staged.source_offset)
        FROM raw.orders AS stored
        WHERE stored.event_id = staged.event_id
    ) AS elsewhere
    FROM staged_orders AS staged
    WHERE staged.source_offset = ANY(%(not_taken)s)
) AS looked_up
WHERE elsewhere
