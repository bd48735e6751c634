"""The steps of a batch run, each a process of its own or all in one: begin to check.

Each step may be repeated: it clears what it staged before. No JVM is started where nothing is to be read.
"""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from pipeline.database import connect_patiently
from pipeline.jobs import heap, marks, publish, queries
from pipeline.jobs import run as runs
from pipeline.jobs.run import BatchRun, Selection
from pipeline.jobs.seat import LEASE_S, WAIT_S, OnWait, Seat, release, step
from pipeline.quality import results
from pipeline.quality.check import Phase
from pipeline.quality.results import Result
from pipeline.quality.runner import Findings, QualityFailed, look
from pipeline.settings import PostgresSettings
from pipeline.writers_lock import between_writers

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from pipeline.jobs.spark_staging import SparkStaging

log = logging.getLogger(__name__)
ORDERS_PER_SLICE = 250_000
_AFFECTED = Path(__file__).with_name("affected.sql").read_text(encoding="utf-8")


@dataclass
class Steps:
    """The steps of one run against one warehouse; `open_session` is called when Spark is needed first."""

    postgres: PostgresSettings
    run_id: str
    open_session: Callable[[], "SparkSession"]
    on_wait: OnWait = lambda owner: None
    wait_s: float = WAIT_S
    lease_s: float = LEASE_S
    keep_results_days: int = results.KEEP_DAYS

    def begin(self, selection: Selection) -> BatchRun:
        """Take the seat, empty staging and fix the marks; raise SeatTaken if another run does not end.

        Raises WritersBusy if somebody writes orders all the time.
        """
        with self._step(beginning=True) as (seat, connection):
            run = between_writers(lambda: _fix_marks(connection, seat, selection))
        log.info("run %s (%s): orders %s", self.run_id, selection.kind, run.orders)
        return run

    def dimensions(self) -> dict[str, int]:
        """Stage the versions of the members with new states; return rows by table."""
        with self._step() as (seat, connection):
            run = _clear(connection, seat, "dim_customers", "dim_products", customers=None, products=None)
            unchanged = run.customers.empty and run.products.empty
            staged = {"customers": 0, "products": 0} if unchanged else self._spark(seat).members(run)
            _record(connection, seat, **staged)
        log.info("run %s: staged %s", self.run_id, staged)
        return staged

    def facts(self) -> int:
        """Stage the facts of the orders that the run rebuilds; return how many."""
        with self._step() as (seat, connection):
            run = _clear(connection, seat, "affected_orders", "fact_orders", facts=None)
            full = run.selection.kind == "full"
            with heap.at_rest(self.postgres, "raw.orders"):
                sources = self._event_queries(connection, seat, run)
                rows = self._spark(seat).facts(connection, sources, full) if sources else 0
            _record(connection, seat, facts=rows)
        log.info("run %s: staged %d facts", self.run_id, rows)
        return rows

    def gate(self) -> list[Result]:
        """Judge what is staged, as it would be once published; raise QualityFailed if it must not be.

        Then the seat is free for other runs; until one takes it, staging stays, may be mended, and this step
        may be repeated.
        """
        with self._step() as (seat, connection):
            found = look(connection, self.run_id, "gate")
            with connection, connection.cursor() as cursor:
                _record_verdict(cursor, seat, found)
        return self._judged("gate", found)

    def publish(self) -> int:
        """Merge staging into curated in one transaction; return the publication's id.

        Raises WritersBusy if somebody writes orders all the time.
        """
        with self._step() as (seat, connection):
            publication = between_writers(lambda: _publish(connection, seat))
        log.info("run %s: publication %d", self.run_id, publication)
        return publication

    def check(self) -> list[Result]:
        """Judge what was published; raise QualityFailed if it should not have been. It stays published.

        Reads curated alone, so it needs no seat: another run may have staging by now. Results of older runs
        go once their time is over.
        """
        with closing(connect_patiently(self.postgres, "etl", "ecom-batch-check")) as connection:
            found = look(connection, self.run_id, "check")
            with connection, connection.cursor() as cursor:
                results.save(cursor, self.run_id, "check", found.results)
                results.prune(cursor, self.keep_results_days)
        return self._judged("check", found)

    def give_up(self) -> None:
        """Let other runs have the seat at once; for a run that nobody will repeat."""
        with (
            closing(connect_patiently(self.postgres, "etl", "ecom-batch-step")) as connection,
            connection,
            connection.cursor() as cursor,
        ):
            release(cursor, self.run_id)

    def _judged(self, phase: Phase, found: Findings) -> list[Result]:
        for result in found.results:
            if result.notable:
                log.warning("run %s: %s: %s", self.run_id, phase, result.text)
        if not found.passed:
            raise QualityFailed(self.run_id, phase, found.results)
        return found.results

    def _step(self, beginning: bool = False) -> AbstractContextManager[tuple[Seat, Connection]]:
        return step(
            self.postgres,
            self.run_id,
            beginning=beginning,
            wait_s=self.wait_s,
            lease_s=self.lease_s,
            on_wait=self.on_wait,
        )

    def _spark(self, seat: Seat) -> "SparkStaging":
        # Here, so that the steps that are SQL alone run where no Spark is installed.
        from pipeline.jobs.spark_staging import SparkStaging

        return SparkStaging(self.postgres, seat, self.open_session)

    def _event_queries(self, connection: Connection, seat: Seat, run: BatchRun) -> list[str]:
        with connection, connection.cursor() as cursor:
            seat.keep(cursor)
            if not run.rebuilds_all:
                return queries.affected_events(run, _select_affected(cursor, run))
            slices = [] if run.orders.empty else heap.slices(cursor, "raw.orders")
            return queries.all_events(run.orders, slices)


def _empty(cursor: Cursor, *tables: str) -> None:
    cursor.execute(f"TRUNCATE {', '.join(f'staging.{table}' for table in tables)}")
    cursor.execute("DELETE FROM staging.loads WHERE table_name = ANY (%s)", (list(tables),))


def _fix_marks(connection: Connection, seat: Seat, selection: Selection) -> BatchRun:
    with connection, connection.cursor() as cursor:
        seat.keep(cursor)
        _empty(cursor, *publish.STAGED.values(), "affected_orders")
        run = marks.begin(cursor, seat.run_id, selection)
        runs.save(cursor, run)
    return run


def _publish(connection: Connection, seat: Seat) -> int:
    with connection, connection.cursor() as cursor:
        return publish.publish(cursor, seat, runs.load(cursor, seat.run_id))


def _clear(connection: Connection, seat: Seat, *tables: str, **staged: int | None) -> BatchRun:
    """Forget what this step staged before, and return the run."""
    with connection, connection.cursor() as cursor:
        seat.keep(cursor)
        run = runs.load(cursor, seat.run_id)
        _empty(cursor, *tables)
        runs.record_staged(cursor, seat.run_id, **staged)
    return run


def _record(connection: Connection, seat: Seat, **staged: int | None) -> None:
    with connection, connection.cursor() as cursor:
        seat.keep(cursor)
        runs.record_staged(cursor, seat.run_id, **staged)


def _record_verdict(cursor: Cursor, seat: Seat, found: Findings) -> None:
    """Write what the gate found; what it saw is what the publication must find, mended rows included."""
    seat.keep(cursor)
    results.save(cursor, seat.run_id, "gate", found.results)
    run = runs.load(cursor, seat.run_id)
    if run.publication_id is None:
        if found.passed:
            runs.record_staged(cursor, seat.run_id, **found.staged)
        runs.record_gate(cursor, seat.run_id, found.passed)
    if run.publication_id is not None or not found.passed:
        seat.release(cursor)


def _select_affected(cursor: Cursor, run: BatchRun) -> int:
    """Fill staging.affected_orders; return the number of slices."""
    chosen = run.selection
    cursor.execute(
        _AFFECTED,
        {
            "kind": chosen.kind,
            "after": run.orders.after,
            "until": run.orders.until,
            "from_day": chosen.from_day,
            "until_day": chosen.until_day,
            "orders_per_slice": ORDERS_PER_SLICE,
        },
    )
    cursor.execute("SELECT max(slice) + 1 FROM staging.affected_orders")
    (slices,) = cursor.fetchone() or (0,)
    return int(slices or 0)
