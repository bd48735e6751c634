"""Failures that somebody answers for, for a time: rows of ops.quality_exceptions."""

from dataclasses import dataclass
from datetime import date, datetime

from psycopg2.extensions import cursor as Cursor

from pipeline.quality.checks import check_named
from pipeline.quality.errors import QualityError
from pipeline.quality.scope import Scope


@dataclass(frozen=True)
class Accepted:
    """An exception: while it holds, the check's failure lets a run pass and is told as `accepted`."""

    exception_id: int
    check_name: str
    day: date | None
    who: str
    why: str
    until: datetime
    created_at: datetime


_COLUMNS = "exception_id, check_name, day, who, why, until, created_at"


def accept(
    cursor: Cursor, check_name: str, who: str, why: str, until: datetime, day: date | None = None
) -> Accepted:
    """Record an exception.

    Raises QualityError for an unknown check, one whose rows can't be published, no name or reason, or a time
    gone by.
    """
    if not check_named(check_name).acceptable:
        raise QualityError(
            f"{check_name} can't be accepted: the curated tables refuse such rows, or rows would be lost;"
            " mend the cause and repeat the gate"
        )
    for option, text in (("who", who), ("why", why)):
        if not text.strip():
            raise QualityError(f"{option} is empty: an exception names who accepts it and why")
    cursor.execute("SELECT %s <= now()", (until,))
    if cursor.fetchone() == (True,):
        raise QualityError(f"until {until:%Y-%m-%d %H:%M} UTC is over: an exception needs an end to come")
    cursor.execute(
        "INSERT INTO ops.quality_exceptions (check_name, day, who, why, until) VALUES (%s, %s, %s, %s, %s)"
        f" RETURNING {_COLUMNS}",
        (check_name, day, who.strip(), why.strip(), until),
    )
    (row,) = cursor.fetchall()
    return Accepted(*row)


@dataclass(frozen=True)
class Exceptions:
    """What holds now for a run."""

    scope: Scope
    accepted: list[Accepted]

    def whole(self, check: str) -> Accepted | None:
        """Return what lets the check fail, whatever it finds; the longest if there are several."""
        found = [one for one in self._of(check) if one.day is None or one.day == self.scope.day]
        return found[-1] if found else None

    def by_day(self, check: str) -> dict[date, Accepted]:
        """Return what lets the check fail on single days of several that are judged."""
        first, last = self.scope.first_day, self.scope.last_day
        return {one.day: one for one in self._of(check) if one.day and first <= one.day <= last}

    def _of(self, check: str) -> list[Accepted]:
        return [one for one in self.accepted if one.check_name == check]


def in_force(cursor: Cursor, scope: Scope) -> Exceptions:
    """Return the exceptions that hold now, for a run."""
    return Exceptions(scope, all_exceptions(cursor))


def all_exceptions(cursor: Cursor) -> list[Accepted]:
    """Return those that hold now, soonest end first."""
    cursor.execute(
        f"SELECT {_COLUMNS} FROM ops.quality_exceptions WHERE until > now() ORDER BY until, exception_id"
    )
    return [Accepted(*row) for row in cursor.fetchall()]
