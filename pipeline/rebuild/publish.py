"""Publish dimensions and facts from `raw` in one transaction, under the writers' lock."""

from pathlib import Path

from psycopg2.extensions import cursor as Cursor

from pipeline.database import WRITERS_LOCK, connect_patiently
from pipeline.jobs.marks import highest
from pipeline.jobs.run import TABLES
from pipeline.settings import PostgresSettings
from pipeline.sums.publication import recompute

_FOLDER = Path(__file__).parent


def run_script(cursor: Cursor, name: str) -> None:
    """Run one of this folder's SQL scripts in the caller's transaction."""
    cursor.execute((_FOLDER / name).read_text(encoding="utf-8"))


def publish_from_raw(settings: PostgresSettings) -> None:
    """Rebuild curated.dim_customers, dim_products and fact_orders from raw; readers see all of it or nothing.

    Writers wait meanwhile, so no stream row can fall between the reading of raw and the merge.
    Raises DatabaseUnavailable.
    """
    connection = connect_patiently(settings, "etl", "ecom-publish")
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", (WRITERS_LOCK,))
            marks = [highest(cursor, table) for table in TABLES]
            for script in ("dimensions.sql", "publish_dimensions.sql", "facts.sql", "publish_facts.sql"):
                run_script(cursor, script)
            recompute(cursor)
            cursor.execute(
                "INSERT INTO ops.publications (kind, raw_mark, customers_mark, products_mark)"
                " VALUES ('rebuild', %s, %s, %s)",
                marks,
            )
    finally:
        connection.close()
