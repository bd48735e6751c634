"""Slices of a table by its pages: each page is read once, whatever the indexes and statistics say of it."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

from psycopg2.extensions import cursor as Cursor

from pipeline.database import connect_patiently
from pipeline.settings import PostgresSettings

PAGES_PER_SLICE = 8_192  # 64 MB


def slices(cursor: Cursor, table: str) -> list[str]:
    """Return conditions on ctid that part `table`; what is added later falls into the last one."""
    size = "SELECT pg_relation_size(%s) / current_setting('block_size')::bigint"
    cursor.execute(size, (table,))
    (pages,) = cursor.fetchone() or (0,)
    *starts, last = range(0, max(int(pages), 1), PAGES_PER_SLICE)
    whole = [f"ctid >= '({start},0)' AND ctid < '({start + PAGES_PER_SLICE},0)'" for start in starts]
    return [*whole, f"ctid >= '({last},0)'"]


@contextmanager
def at_rest(settings: PostgresSettings, table: str) -> Iterator[None]:
    """Keep rows of `table` on their pages during the block: no VACUUM FULL or CLUSTER; writers are free."""
    with (
        closing(connect_patiently(settings, "etl", "ecom-batch-pages")) as connection,
        connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(f"LOCK TABLE {table} IN ACCESS SHARE MODE")
        yield
