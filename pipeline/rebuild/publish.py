"""Publish dimensions and facts from `raw` in one transaction, under the writers' lock."""

from contextlib import closing
from pathlib import Path

from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from pipeline.database import connect_patiently
from pipeline.jobs.marks import highest
from pipeline.jobs.run import TABLES
from pipeline.settings import PostgresSettings
from pipeline.sums.publication import recompute
from pipeline.writers_lock import between_writers, keep_writers_out

_FOLDER = Path(__file__).parent


def run_script(cursor: Cursor, name: str) -> None:
    """Run one of this folder's SQL scripts in the caller's transaction."""
    cursor.execute((_FOLDER / name).read_text(encoding="utf-8"))


def publish_from_raw(settings: PostgresSettings) -> None:
    """Rebuild curated.dim_customers, dim_products and fact_orders from raw; readers see all of it or nothing.

    Writers wait meanwhile, so no stream row can fall between the reading of raw and the merge.
    Raises DatabaseUnavailable, or WritersBusy if they don't end in time.
    """
    with closing(connect_patiently(settings, "etl", "ecom-publish")) as connection:
        between_writers(lambda: _publish(connection))


def _publish(connection: Connection) -> None:
    with connection, connection.cursor() as cursor:
        keep_writers_out(cursor)
        marks = [highest(cursor, table) for table in TABLES]
        for script in ("dimensions.sql", "publish_dimensions.sql", "facts.sql", "publish_facts.sql"):
            run_script(cursor, script)
        recompute(cursor)
        cursor.execute(
            "INSERT INTO ops.publications (kind, raw_mark, customers_mark, products_mark)"
            " VALUES ('rebuild', %s, %s, %s)",
            marks,
        )
