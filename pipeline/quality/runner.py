"""Run the checks of one phase in one snapshot of the warehouse."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import psycopg2
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from pipeline.database import first_line
from pipeline.jobs.publish import STAGED
from pipeline.quality.check import Check, Phase
from pipeline.quality.checks import CHECKS
from pipeline.quality.errors import QualityError
from pipeline.quality.exceptions import Accepted, Exceptions, in_force
from pipeline.quality.relations import relations
from pipeline.quality.results import Outcome, Result, blank
from pipeline.quality.scope import Scope, load_scope

STATEMENT_TIMEOUT_S = 900


class QualityFailed(RuntimeError):
    """Checks of severity `error` failed; the message says which, how many rows, and how to look."""

    def __init__(self, run_id: str, phase: Phase, results: Sequence[Result]) -> None:
        self.run_id, self.phase, self.results = run_id, phase, results
        failed = "; ".join(result.text for result in results if result.outcome == "failed")
        state = "nothing is published" if phase == "gate" else "what run published stays published"
        super().__init__(
            f"{phase} of run {run_id}: {failed}: {state}; look with `ecom quality show {run_id}`"
        )


@dataclass(frozen=True)
class Findings:
    """The results of a phase, and how many rows each staging table had in the same snapshot."""

    results: list[Result]
    staged: dict[str, int]

    @property
    def passed(self) -> bool:
        """Whether no check stands in the way."""
        return all(result.outcome != "failed" for result in self.results)


def look(connection: Connection, run_id: str, phase: Phase) -> Findings:
    """Run a phase's checks, writing nothing; the connection's next transaction is an ordinary one again.

    One snapshot, so that what the gate saw is one state, and read-only, so that no check's SQL can change it.
    Raises RunUnknown, QualityError if a check gives no answer in time.
    """
    with connection, connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        cursor.execute(
            "SELECT set_config('statement_timeout', %s, true)", (f"{STATEMENT_TIMEOUT_S * 1000:.0f}",)
        )
        scope = load_scope(cursor, run_id)
        accepted = in_force(cursor, scope)
        names = relations(phase, scope.run)
        results = [
            _Look(cursor, phase, scope, names, accepted).at(check)
            for check in CHECKS
            if phase in check.phases
        ]
        staged = _count_staged(cursor) if phase == "gate" else {}
    return Findings(results, staged)


@dataclass(frozen=True)
class _Look:
    cursor: Cursor
    phase: Phase
    scope: Scope
    relations: dict[str, str]
    accepted: Exceptions

    def at(self, check: Check) -> Result:
        fields = blank(self.scope.run.run_id, self.phase, check, self.scope.last_day, datetime.now(UTC))
        kind = self.scope.run.selection.kind
        if kind not in check.kinds:
            return Result(**fields, **_nothing(f"not for runs of kind {kind}"))
        began = time.monotonic()
        found = self._measure(check)
        return Result(**fields, **found, duration_ms=round((time.monotonic() - began) * 1000))

    def _measure(self, check: Check) -> dict[str, Any]:
        measured, rows, skipped = self._ask(check, check.statement(self.relations))
        query = (self.cursor.query or b"").decode()
        if measured is None:
            return _skip(skipped, query)
        fault = not check.keeps(measured)
        samples = self._ask(check, check.samples(self.relations))[0] if fault else []
        exception = self._accepted(check, samples) if fault else None
        return {
            "outcome": _outcome(check, fault, exception),
            "measured": measured,
            "failing_rows": rows,
            "reason": f"accepted by {exception.who}: {exception.why}" if exception else None,
            "query": query,
            "samples": samples,
            "exception_id": exception.exception_id if exception else None,
        }

    def _accepted(self, check: Check, samples: list[dict[str, Any]]) -> Accepted | None:
        """Return the exception that lets a failed check pass, or one of those for the days that fail."""
        by_day = self.accepted.by_day(check.name)
        whole = self.accepted.whole(check.name)
        if whole or not by_day:
            return whole
        measured, *_ = self._ask(check, check.statement(self.relations), excused=list(by_day))
        if measured is not None and not check.keeps(measured):
            return None
        # Without those days nothing fails, so each faulty row is of one of them.
        return by_day[date.fromisoformat(samples[0]["day"])]

    def _ask(self, check: Check, statement: str, **changed: object) -> tuple[Any, ...]:
        try:
            self.cursor.execute(statement, self.scope.parameters() | changed)
        except psycopg2.errors.QueryCanceled as error:
            raise QualityError(f"check {check.name} gave no answer: {first_line(error)}") from None
        (row,) = self.cursor.fetchall()
        return tuple(row)


def _outcome(check: Check, fault: bool, exception: Accepted | None) -> Outcome:
    if not fault:
        return "passed"
    if exception:
        return "accepted"
    return "failed" if check.severity == "error" else "warned"


def _skip(reason: str, query: str | None) -> dict[str, Any]:
    return {
        "outcome": "skipped",
        "measured": None,
        "failing_rows": 0,
        "reason": reason,
        "query": query,
        "samples": [],
        "exception_id": None,
    }


def _nothing(reason: str) -> dict[str, Any]:
    return _skip(reason, None) | {"duration_ms": 0}


def _count_staged(cursor: Cursor) -> dict[str, int]:
    counts = {}
    for name, table in STAGED.items():
        cursor.execute(f"SELECT count(*) FROM staging.{table}")
        (counts[name],) = cursor.fetchone() or (0,)
    return counts
