"""What the checks of a run look at: its marks of raw, and the days that it answers for."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from psycopg2.extensions import cursor as Cursor

from pipeline.jobs.run import BatchRun, load


@dataclass(frozen=True)
class Scope:
    """A run, and the days by which it is judged: `first_day` until `last_day`, both included, all complete.

    A backfill has its own days; every other run has the last complete UTC day before its start.
    """

    run: BatchRun
    started_at: datetime

    @property
    def last_day(self) -> date:
        """The last day to judge."""
        complete = self.started_at.astimezone(UTC).date() - timedelta(days=1)
        until = self.run.selection.until_day
        return min(complete, until - timedelta(days=1)) if until else complete

    @property
    def first_day(self) -> date:
        """The first day to judge; later than `last_day` if none is complete yet."""
        return self.run.selection.from_day or self.last_day

    @property
    def day(self) -> date | None:
        """The day, if it is one: exceptions for a day hold for runs that judge this day alone."""
        return self.last_day if self.first_day == self.last_day else None

    def parameters(self) -> dict[str, Any]:
        """Return what the checks' SQL binds, apart from each check's own limit."""
        run, chosen = self.run, self.run.selection
        return {
            "run_id": run.run_id,
            "after": run.orders.after,
            "until": run.orders.until,
            "customers_after": run.customers.after,
            "customers_until": run.customers.until,
            "products_after": run.products.after,
            "products_until": run.products.until,
            "from_time": midnight(chosen.from_day),
            "until_time": midnight(chosen.until_day),
            "first_day": self.first_day,
            "last_day": self.last_day,
            "started_at": self.started_at,
        }


def midnight(day: date | None) -> datetime | None:
    """Return the UTC instant at which a day begins, which means the same in every session's time zone."""
    return datetime.combine(day, time.min, UTC) if day else None


def load_scope(cursor: Cursor, run_id: str) -> Scope:
    """Read a run's scope; raise RunUnknown if it never began."""
    run = load(cursor, run_id)
    cursor.execute("SELECT started_at FROM ops.batch_runs WHERE run_id = %s", (run_id,))
    (started_at,) = cursor.fetchone() or (None,)
    assert started_at is not None  # noqa: S101 - load found the row, in this transaction
    return Scope(run, started_at)
