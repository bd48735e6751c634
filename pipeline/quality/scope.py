"""What the checks of a run look at: its marks of raw, and the days that it answers for."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from psycopg2.extensions import cursor as Cursor

from pipeline.jobs.run import BatchRun, load

# Each day takes five counts; what was broken for longer is a backfill's to judge.
MOST_DAYS = 31
PUBLISHED = "SELECT max(published_at) FROM ops.publications WHERE kind <> 'backfill'"
_STARTED = f"""
SELECT started_at, ({PUBLISHED} AND publication_id <= base_publication) FROM ops.batch_runs WHERE run_id = %s
"""


@dataclass(frozen=True)
class Scope:
    """A run, and the days by which it is judged: `first_day` until `last_day`, both included, all complete.

    A backfill has its own days. Every other run has those that were not complete when something but a
    backfill was last published, `published_at`: so a day that was refused is judged again by the run that
    would publish it, and so are the days on which no run was. It is the last complete UTC day alone if
    nothing was published yet, and MOST_DAYS at most.
    """

    run: BatchRun
    started_at: datetime
    published_at: datetime | None

    @property
    def last_day(self) -> date:
        """The last day to judge."""
        complete = self.started_at.astimezone(UTC).date() - timedelta(days=1)
        until = self.run.selection.until_day
        return min(complete, until - timedelta(days=1)) if until else complete

    @property
    def first_day(self) -> date:
        """The first day to judge; later than `last_day` if none is complete yet."""
        return self.run.selection.from_day or first_to_judge(self.published_at, self.last_day)

    @property
    def day(self) -> date | None:
        """The day, if it is one: what was accepted for it holds for checks that don't go by days, too."""
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
            "excused": [],
            "started_at": self.started_at,
        }


def first_to_judge(published_at: datetime | None, last_day: date) -> date:
    """Return the first day up to `last_day` that no run has judged in whole and published."""
    if published_at is None:
        return last_day
    return min(last_day, max(published_at.astimezone(UTC).date(), last_day - timedelta(days=MOST_DAYS - 1)))


def midnight(day: date | None) -> datetime | None:
    """Return the UTC instant at which a day begins, which means the same in every session's time zone."""
    return datetime.combine(day, time.min, UTC) if day else None


def load_scope(cursor: Cursor, run_id: str) -> Scope:
    """Read a run's scope; raise RunUnknown if it never began."""
    run = load(cursor, run_id)
    cursor.execute(_STARTED, (run_id,))
    (times,) = cursor.fetchall()
    return Scope(run, *times)
