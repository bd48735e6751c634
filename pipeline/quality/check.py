"""What a check is, and the SQL it becomes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pipeline.jobs.run import Kind

Phase = Literal["gate", "check"]
Severity = Literal["error", "warning"]
Bound = Literal["at most", "at least"]
PHASES: tuple[Phase, ...] = ("gate", "check")
SAMPLES = 5
_ALL_KINDS: tuple[Kind, ...] = ("increment", "backfill", "full")


@dataclass(frozen=True)
class Check:
    """One expectation of one table; `rows` and the expressions over them are SQL.

    `rows` selects what is looked at, in terms of the relations of `relations.py` in braces and the parameters
    of `Scope`; where `fault` stays true, it selects the faulty rows alone. `measured` is an aggregate over
    `rows`, null for nothing to measure, and has to keep to `limit`. `skipped`, another aggregate, is the
    reason for measuring nothing. `columns` are those of a sample row, in its order. What is not `acceptable`
    can't be published whoever answers for it: curated's constraints refuse it, or rows would be lost.
    """

    name: str
    table: str
    meaning: str
    rows: str
    columns: tuple[str, ...]
    severity: Severity = "error"
    fault: str = "true"
    measured: str = "count(*)"
    skipped: str = "'there are no rows to measure'"
    bound: Bound = "at most"
    limit: float = 0
    phases: tuple[Phase, ...] = PHASES
    kinds: tuple[Kind, ...] = _ALL_KINDS
    acceptable: bool = True

    def keeps(self, measured: float) -> bool:
        """Whether a measured value is within the limit."""
        return measured <= self.limit if self.bound == "at most" else measured >= self.limit

    def statement(self, relations: Mapping[str, str]) -> str:
        """Return the query for one row: measured double, failing_rows bigint, skipped text."""
        return (
            f"WITH examined AS ({self._rows(relations)})"
            f" SELECT ({self.measured})::double precision AS measured,"
            f" count(*) FILTER (WHERE {self.fault}) AS failing_rows,"
            f" CASE WHEN ({self.measured}) IS NULL THEN ({self.skipped})::text END AS skipped FROM examined"
        )

    def samples(self, relations: Mapping[str, str]) -> str:
        """Return the query for one jsonb array of at most SAMPLES faulty rows."""
        names = ", ".join(self.columns)
        return (
            f"WITH examined AS ({self._rows(relations)})"
            " SELECT coalesce(jsonb_agg(to_jsonb(sample)), '[]') FROM ("
            f"SELECT {names} FROM examined WHERE {self.fault} ORDER BY {names} LIMIT {SAMPLES}) AS sample"
        )

    def _rows(self, relations: Mapping[str, str]) -> str:
        return " ".join(self.rows.format_map(relations).split())
