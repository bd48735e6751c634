"""The stream's progress as `ops` knows it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from psycopg2.extensions import connection as Connection
from psycopg2.extras import Json

KEEP_COMMITS = "7 days"


def committed_offsets(connection: Connection, topic: str) -> dict[int, int]:
    """Return the next offset of each partition that has ever been committed."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT partition, next_offset FROM ops.stream_offsets WHERE topic = %s", (topic,))
        return dict(cursor.fetchall())


def prune_commits(connection: Connection) -> None:
    """Delete the history of commits older than KEEP_COMMITS; the totals in ops.stream_offsets stay."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM ops.stream_commits WHERE committed_at < now() - %s::interval", (KEEP_COMMITS,)
        )


def record_ends(connection: Connection, topic: str, ends: Mapping[int, int], seen_at: str) -> None:
    """Note where the topic's partitions ended in Kafka at `seen_at`, for whoever can't ask it."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO ops.stream_ends"
            " SELECT %s, ends.*, %s::timestamptz FROM unnest(%s::int[], %s::bigint[]) AS ends"
            " ON CONFLICT (topic, partition)"
            " DO UPDATE SET end_offset = excluded.end_offset, seen_at = excluded.seen_at",
            (topic, seen_at, list(ends.keys()), list(ends.values())),
        )


@dataclass(frozen=True)
class Totals:
    """What the stream has committed of a topic: offsets read, and where they went."""

    read: int
    raw_rows: int
    duplicate_rows: int
    dlq_rows: int


def totals(connection: Connection, topic: str) -> Totals:
    """Return the counters of ops.stream_offsets, summed over the partitions."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(sum(next_offset - first_offset - skipped_offsets), 0)::bigint,"
            " coalesce(sum(raw_rows), 0)::bigint, coalesce(sum(duplicate_rows), 0)::bigint,"
            " coalesce(sum(dlq_rows), 0)::bigint"
            " FROM ops.stream_offsets WHERE topic = %s",
            (topic,),
        )
        return Totals(*(cursor.fetchone() or (0, 0, 0, 0)))


def freshness(
    connection: Connection, topic: str, since: Mapping[int, int], quantiles: Sequence[float]
) -> list[float]:
    """Return quantiles, in seconds, of Kafka's CreateTime to the commit, for rows from offset `since` on.

    `since` maps partitions to offsets; partitions not in it count from their beginning. Empty without rows.
    """
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT percentile_cont(%(quantiles)s::float[]) WITHIN GROUP (ORDER BY"
            " extract(epoch FROM committed.committed_at - stored.source_timestamp)::float)"
            " FROM raw.orders stored JOIN ops.stream_commits committed ON committed.topic = stored.source"
            " AND committed.partition = stored.source_partition"
            " AND stored.source_offset >= committed.from_offset"
            " AND stored.source_offset < committed.until_offset"
            " WHERE stored.source = %(topic)s"
            " AND stored.source_offset"
            " >= coalesce((%(since)s::jsonb ->> stored.source_partition::text)::bigint, 0)"
            # The same of commits, or each row would be looked for in all of them.
            " AND committed.until_offset"
            " > coalesce((%(since)s::jsonb ->> committed.partition::text)::bigint, 0)",
            {
                "topic": topic,
                "quantiles": list(quantiles),
                "since": Json({str(k): v for k, v in since.items()}),
            },
        )
        (found,) = cursor.fetchone() or (None,)
        return list(found or [])
