"""What the checks of a run found: rows of ops.quality_results."""

import json
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal

import psycopg2
from psycopg2.extensions import cursor as Cursor

from pipeline.database import connect
from pipeline.quality.check import Bound, Check, Phase, Severity
from pipeline.quality.errors import QualityError
from pipeline.secret_values import SecretError
from pipeline.settings import PostgresSettings, SettingsError, load

Outcome = Literal["passed", "failed", "warned", "skipped", "accepted"]
OUTCOMES: tuple[Outcome, ...] = ("passed", "failed", "warned", "skipped", "accepted")
_COLUMNS = (
    "run_id, phase, check_name, table_name, severity, outcome, measured, bound, limit_value, failing_rows,"
    " reason, query, samples, day, exception_id, started_at, duration_ms"
)
_KNOWN_RUNS = 5
KEEP_DAYS = 90


@dataclass(frozen=True)
class Result:
    """What one check found in one phase of one run."""

    run_id: str
    phase: Phase
    check_name: str
    table_name: str
    severity: Severity
    outcome: Outcome
    measured: float | None
    bound: Bound
    limit_value: float
    failing_rows: int
    reason: str | None
    query: str | None
    samples: list[dict[str, Any]] = field(repr=False)
    day: date | None
    exception_id: int | None
    started_at: datetime
    duration_ms: int

    @property
    def notable(self) -> bool:
        """Whether a person should look at it."""
        return self.outcome in ("failed", "warned", "accepted")

    @property
    def text(self) -> str:
        """One line: check, what was measured and what is allowed."""
        if self.outcome == "skipped":
            return f"{self.check_name} skipped: {self.reason}"
        rows = f"{self.failing_rows:,} row{'' if self.failing_rows == 1 else 's'}"
        limits = f"measured {self.measured:.6g}, allowed {self.bound} {self.limit_value:g}"
        return f"{self.check_name} {self.outcome} ({rows}; {limits})"

    def as_json(self) -> dict[str, Any]:
        """Return it for a person or program: without the query, which `ecom quality show` prints."""
        names = ("check_name", "table_name", "severity", "outcome", "measured", "bound", "limit_value")
        short = {name: getattr(self, name) for name in names}
        return short | {
            "failing_rows": self.failing_rows,
            "reason": self.reason,
            "samples": self.samples,
            "exception_id": self.exception_id,
            "duration_ms": self.duration_ms,
        }


def blank(run_id: str, phase: Phase, check: Check, day: date, started_at: datetime) -> dict[str, Any]:
    """Return the fields of a result that are known before the check has run."""
    return {
        "run_id": run_id,
        "phase": phase,
        "check_name": check.name,
        "table_name": check.table,
        "severity": check.severity,
        "bound": check.bound,
        "limit_value": check.limit,
        "day": day,
        "started_at": started_at,
    }


def save(cursor: Cursor, run_id: str, phase: Phase, results: Iterable[Result]) -> None:
    """Write a phase's results in place of an older attempt's."""
    cursor.execute("DELETE FROM ops.quality_results WHERE run_id = %s AND phase = %s", (run_id, phase))
    names = _COLUMNS.split(", ")
    for result in results:
        values = [getattr(result, name) for name in names]
        values[names.index("samples")] = json.dumps(result.samples)
        cursor.execute(
            f"INSERT INTO ops.quality_results ({_COLUMNS}) VALUES ({', '.join(['%s'] * len(values))})", values
        )


def prune(cursor: Cursor, keep_days: int) -> int:
    """Remove results older than so many days, the latest run's apart; return how many rows."""
    cursor.execute(
        "DELETE FROM ops.quality_results WHERE started_at < now() - make_interval(days => %s)"
        " AND run_id <> (SELECT run_id FROM ops.quality_results ORDER BY started_at DESC LIMIT 1)",
        (keep_days,),
    )
    return int(cursor.rowcount)


def find(cursor: Cursor, run_id: str | None = None, failed: bool = False, limit: int = 500) -> list[Result]:
    """Return results, newest run first; `failed` leaves out passed and skipped ones."""
    cursor.execute(
        f"SELECT {_COLUMNS} FROM ops.quality_results WHERE (%(run)s IS NULL OR run_id = %(run)s)"
        " AND (NOT %(failed)s OR outcome IN ('failed', 'warned', 'accepted'))"
        " ORDER BY max(started_at) OVER (PARTITION BY run_id) DESC, run_id, phase DESC, started_at"
        " LIMIT %(limit)s",
        {"run": run_id, "failed": failed, "limit": limit},
    )
    return [Result(*row) for row in cursor.fetchall()]


def of_run(cursor: Cursor, run_id: str, check_name: str | None = None) -> list[Result]:
    """Return a run's results, gate first; raise QualityError if there are none, with the runs there are."""
    found = find(cursor, run_id)
    if not found:
        known = ", ".join(latest_runs(cursor)) or "none"
        raise QualityError(f"run {run_id!r} has no results; the latest with some: {known}")
    return [result for result in found if check_name in (None, result.check_name)]


def latest_runs(cursor: Cursor) -> list[str]:
    """Return the ids of the latest runs that have results, newest first."""
    cursor.execute(
        "SELECT run_id FROM ops.quality_results GROUP BY run_id ORDER BY max(started_at) DESC LIMIT %s",
        (_KNOWN_RUNS,),
    )
    return [run_id for (run_id,) in cursor.fetchall()]


def failed_lines(run_id: str) -> list[str]:
    """Return a line for each check of the run that failed, with sample rows, for a log.

    Uses the settings of the process; no lines if they are missing or the warehouse is away, because whoever
    reports a failure must not fail.
    """
    try:
        with closing(connect(load(PostgresSettings), "etl", "ecom-quality")) as connection, connection:
            return lines(find(connection.cursor(), run_id, failed=True))
    except (SettingsError, SecretError, psycopg2.Error):
        return []


def lines(results: Sequence[Result]) -> list[str]:
    """Return a line for each failed error, with its samples as JSON."""
    return [
        f"{result.phase}: {result.text} {json.dumps(result.samples)}"
        for result in results
        if result.outcome == "failed"
    ]
