"""What a demo run showed, and the table that says so."""

from collections.abc import Mapping
from dataclasses import dataclass

from rich.table import Table

from pipeline.stream.progress import Totals
from pipeline.verify import Report
from producer.run import Summary


@dataclass(frozen=True)
class Outcome:
    """What the demo showed: the producer's word, the daily DAG's state, the counters, verify's verdict."""

    summary: Summary
    daily: str
    committed: Totals
    freshness_s: list[float]
    dlq_by_reason: dict[str, int]
    report: Report

    @property
    def missing(self) -> dict[str, int]:
        """Acknowledged messages by where they belong, less what arrived there; only shortfalls.

        While this run's producer is the only one, the sums are equal and any difference shows. Beside other
        producers theirs could hide a shortfall of ours, so what verify found counts as well.
        """
        said = expected(self.summary.delivered_by_kind)
        gaps = {name: count - getattr(self.committed, name) for name, count in said.items()}
        return {name: gap for name, gap in gaps.items() if gap > 0}

    @property
    def lost(self) -> int:
        """Events that Kafka acknowledged and that are not where they belong; 0 is the promise."""
        return max(self.report.lost.count + self.report.missing_facts.count, sum(self.missing.values()))

    @property
    def doubled(self) -> int:
        """Events or orders that are there twice; 0 is the promise."""
        return self.report.doubled.count + self.report.surplus_facts.count

    @property
    def good(self) -> bool:
        """Whether every promise held."""
        return (
            self.daily == "success"
            and self.report.clean
            and not self.lost
            and not self.doubled
            and not self.summary.failed
        )


def expected(delivered_by_kind: Mapping[str, int]) -> dict[str, int]:
    """Return what the stream's counters must come to for messages of these kinds, named by the producer."""
    counts = {"raw_rows": 0, "duplicate_rows": 0, "dlq_rows": 0}
    for kind, count in delivered_by_kind.items():
        name = {"duplicate": "duplicate_rows", "invalid": "dlq_rows"}.get(kind.partition(":")[0], "raw_rows")
        counts[name] += count
    return counts


def summary_table(outcome: Outcome) -> Table:
    """Return the outcome for a terminal: what became of the messages, and what they prove."""
    summary, committed = outcome.summary, outcome.committed
    table = Table(
        "this run", "", title="demo: " + ("passed" if outcome.good else "FAILED"), title_justify="left"
    )
    kinds = ", ".join(f"{kind} {count:,}" for kind, count in summary.delivered_by_kind.items())
    reasons = ", ".join(f"{reason} {count:,}" for reason, count in outcome.dlq_by_reason.items())
    table.add_row("produced", f"{summary.delivered:,} acknowledged by Kafka ({kinds})")
    table.add_row(
        "in raw.orders",
        f"{committed.raw_rows:,} distinct events; {committed.duplicate_rows:,} duplicates dropped",
    )
    table.add_row("in fact_orders", f"{outcome.report.facts:,} orders, history included")
    table.add_row("in the DLQ", f"{committed.dlq_rows:,} since it began; all that are unresolved: {reasons}")
    places = ", ".join(f"{name.replace('_', ' ')} {gap:,} short" for name, gap in outcome.missing.items())
    table.add_row("lost", f"[bold]{outcome.lost:,}[/] {places}".rstrip())
    table.add_row("doubled", f"[bold]{outcome.doubled:,}[/]")
    table.add_row("daily_orders", f"{outcome.daily} in Airflow")
    if outcome.freshness_s:
        median, late = outcome.freshness_s
        table.add_row("freshness", f"p50 {median:.2f} s, p99 {late:.2f} s (Kafka's timestamp to commit)")
    table.add_row("rate", f"{summary.rate:,.0f} messages/s")
    return table
