"""High-water marks of raw: where the last publication ended, and where raw ends now."""

from psycopg2.extensions import cursor as Cursor

from pipeline.jobs.run import TABLES, BatchRun, Marks, Selection
from pipeline.writers_lock import keep_writers_out


def begin(cursor: Cursor, run_id: str, selection: Selection) -> BatchRun:
    """Return a new run from the last publication's marks to those of now.

    Takes the writers' lock until the caller's transaction ends: a writer that drew a raw_id has then
    committed it or given it up, so nothing at or below the mark can appear later. Raises WritersBusy.
    """
    keep_writers_out(cursor)
    base, after = last_publication(cursor)
    if selection.kind == "full":
        after = dict.fromkeys(TABLES, 0)
    marks = {name: Marks(after[name], highest(cursor, name)) for name in TABLES}
    return BatchRun(
        run_id=run_id,
        selection=selection,
        base_publication=base,
        orders=marks["orders"],
        customers=marks["customers"],
        products=marks["products"],
        staged={},
    )


def highest(cursor: Cursor, table: str) -> int:
    """Return the greatest raw_id ever given out in raw.`table`, without a scan; 0 for an untouched one."""
    cursor.execute(f"SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM raw.{table}_raw_id_seq")
    (value,) = cursor.fetchone() or (0,)
    return int(value)


def last_publication(cursor: Cursor) -> tuple[int, dict[str, int]]:
    """Return the last publication's id and its mark for each of TABLES; zeros if there was none."""
    cursor.execute(
        "SELECT publication_id, raw_mark, customers_mark, products_mark FROM ops.publications"
        " ORDER BY publication_id DESC LIMIT 1"
    )
    row = cursor.fetchone() or (0, 0, 0, 0)
    return row[0], dict(zip(TABLES, row[1:], strict=True))
