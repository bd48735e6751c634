"""Batch runs and what became of them, for people."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from psycopg2.extensions import cursor as Cursor

from pipeline.jobs.run import RunUnknown

_RUNS = """
SELECT run_id, run.kind, from_day, until_day, orders_from, orders_until, staged_customers, staged_products,
    staged_facts, started_at, published_at, publication_id,
    (SELECT count(*) FROM ops.quality_results AS r WHERE r.run_id = run.run_id AND outcome = 'failed'
        AND phase = 'gate') AS gate_failures,
    (SELECT count(*) FROM ops.quality_results AS r WHERE r.run_id = run.run_id AND outcome = 'failed'
        AND phase = 'check') AS check_failures,
    CASE
        WHEN publication_id IS NOT NULL THEN 'published'
        WHEN gated_at IS NOT NULL THEN 'passed the gate'
        WHEN EXISTS (SELECT FROM ops.quality_results AS r WHERE r.run_id = run.run_id AND phase = 'gate'
            AND outcome = 'failed') THEN 'failed the gate'
        WHEN staged_facts IS NOT NULL THEN 'staged'
        ELSE 'begun'
    END AS state
FROM ops.batch_runs AS run LEFT JOIN ops.publications USING (publication_id, run_id)
WHERE %(run)s IS NULL OR run_id = %(run)s
ORDER BY started_at DESC LIMIT %(limit)s
"""
_KNOWN = 5


@dataclass(frozen=True)
class RunSummary:
    """A run: what it reads, what it staged, and how far it came."""

    run_id: str
    kind: str
    from_day: date | None
    until_day: date | None
    orders_from: int
    orders_until: int
    staged_customers: int | None
    staged_products: int | None
    staged_facts: int | None
    started_at: datetime
    published_at: datetime | None
    publication_id: int | None
    gate_failures: int
    check_failures: int
    state: str

    def as_dict(self) -> dict[str, Any]:
        """Return the fields, times and days as text."""
        return {
            name: value.isoformat() if isinstance(value, date) else value
            for name, value in asdict(self).items()
        }


def latest(cursor: Cursor, limit: int) -> Sequence[RunSummary]:
    """Return the latest runs, newest first."""
    cursor.execute(_RUNS, {"run": None, "limit": limit})
    return [RunSummary(*row) for row in cursor.fetchall()]


def summary(cursor: Cursor, run_id: str) -> RunSummary:
    """Return one run; raise RunUnknown, with the latest ones' names, if it never began."""
    cursor.execute(_RUNS, {"run": run_id, "limit": 1})
    row = cursor.fetchone()
    if row is None:
        known = ", ".join(run.run_id for run in latest(cursor, _KNOWN)) or "none"
        raise RunUnknown(f"run {run_id!r} is not known; the latest: {known}")
    return RunSummary(*row)
