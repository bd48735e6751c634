"""The stream's progress as `ops` knows it."""

from psycopg2.extensions import connection as Connection

KEEP_COMMITS = "7 days"


def committed_offsets(connection: Connection, topic: str) -> dict[int, int]:
    """Return the next offset of each partition that has ever been committed."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT partition, next_offset FROM ops.stream_offsets WHERE topic = %s", (topic,))
        return dict(cursor.fetchall())


def prune_commits(connection: Connection) -> None:
    """Delete the history of commits older than KEEP_COMMITS; the totals in ops.stream_offsets stay."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM ops.stream_commits WHERE committed_at < now() - %s::interval", (KEEP_COMMITS,)
        )
