"""Merge what a run staged into curated, in one transaction."""

from pathlib import Path

from psycopg2.extensions import cursor as Cursor

from pipeline.jobs.run import BatchRun
from pipeline.jobs.seat import Seat, SeatLost
from pipeline.sums.publication import counted_anew, recompute
from pipeline.writers_lock import keep_writers_out

_FOLDER = Path(__file__).parent
MERGE = (_FOLDER / "publish.sql").read_text(encoding="utf-8")
_PURGE = (_FOLDER / "publish_full.sql").read_text(encoding="utf-8")
STAGED = {"customers": "dim_customers", "products": "dim_products", "facts": "fact_orders"}


class StagingIncomplete(RuntimeError):
    """Staging does not hold what the run's steps put there, or no gate let it pass; nothing is published."""


def publish(cursor: Cursor, seat: Seat, run: BatchRun) -> int:
    """Publish in the caller's transaction and return the publication's id; again, it changes nothing.

    Takes the writers' lock exclusively until the transaction ends. Raises SeatLost if another publication
    came since the run began, StagingIncomplete, WritersBusy.
    """
    seat.keep(cursor)
    if run.publication_id is not None:
        seat.release(cursor)  # this repetition took it again
        return run.publication_id
    keep_writers_out(cursor)
    _check(cursor, run)
    _merge(cursor, run)
    publication = _record(cursor, run)
    seat.release(cursor)
    return publication


def _merge(cursor: Cursor, run: BatchRun) -> None:
    if run.selection.kind == "full":
        cursor.execute(_PURGE)
    if run.rebuilds_all:
        cursor.execute(MERGE, {"until": run.orders.until})
        recompute(cursor)
        return
    with counted_anew(cursor, run.orders.until):
        cursor.execute(MERGE, {"until": run.orders.until})
    if run.selection.kind == "backfill":
        # It mends days; a mended fact's sum may have been right all the time.
        recompute(cursor, run.selection.from_day, run.selection.until_day)


def _check(cursor: Cursor, run: BatchRun) -> None:
    cursor.execute("SELECT coalesce(max(publication_id), 0) FROM ops.publications")
    (latest,) = cursor.fetchone() or (0,)
    if latest != run.base_publication:
        raise SeatLost(
            f"publication {latest} came after run {run.run_id} began: start that one again from `begin`"
        )
    if not run.gated:
        raise StagingIncomplete(f"run {run.run_id} has not passed the gate since its last staging")
    for name, table in STAGED.items():
        cursor.execute(f"SELECT count(*) FROM staging.{table}")
        (found,) = cursor.fetchone() or (0,)
        if found != run.staged[name]:
            raise StagingIncomplete(
                f"staging.{table} has {found} rows and run {run.run_id} staged {run.staged[name]}"
                " (a crash of the server empties it): start that one again from `begin`"
            )


def _record(cursor: Cursor, run: BatchRun) -> int:
    # A backfill does not read all that is new, so the orders' mark stays where it was.
    raw_mark = run.orders.after if run.selection.kind == "backfill" else run.orders.until
    cursor.execute(
        "INSERT INTO ops.publications (kind, raw_mark, customers_mark, products_mark, run_id)"
        " VALUES (%s, %s, %s, %s, %s) RETURNING publication_id",
        (run.selection.kind, raw_mark, run.customers.until, run.products.until, run.run_id),
    )
    (publication,) = cursor.fetchone() or (0,)
    cursor.execute(
        "UPDATE ops.batch_runs SET publication_id = %s WHERE run_id = %s", (publication, run.run_id)
    )
    return int(publication)
