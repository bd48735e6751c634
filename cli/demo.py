"""`ecom demo`: everything once, from nothing to the proof that no order was lost."""

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from cli.progress import Progress as StartProgress
from cli.progress import services_table
from cli.verify import as_table
from environments import embedded
from environments.embedded import control
from pipeline import dlq
from pipeline.database import connect_patiently
from pipeline.rebuild.publish import publish_from_raw
from pipeline.settings import KafkaSettings, PostgresSettings, load
from pipeline.stream.progress import Totals, committed_offsets, freshness, totals
from pipeline.verify import Report, verify
from producer.messages import Shares
from producer.run import ProducePlan, Summary
from producer.run import run as produce
from producer.seed import SeedPlan, SeedRefused, seed

_SHARES = Shares(updates=0.3, late=0.02, duplicate=0.02, invalid=0.02)
_QUANTILES = (0.5, 0.99)
_HISTORY_ORDERS = 20_000


@dataclass(frozen=True)
class Outcome:
    """What the demo showed: the producer's word, the stream's counters of this run, and verify's verdict."""

    summary: Summary
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
        return self.report.clean and not self.lost and not self.doubled and not self.summary.failed


def expected(delivered_by_kind: Mapping[str, int]) -> dict[str, int]:
    """Return what the stream's counters must come to for messages of these kinds, named by the producer."""
    counts = {"raw_rows": 0, "duplicate_rows": 0, "dlq_rows": 0}
    for kind, count in delivered_by_kind.items():
        name = {"duplicate": "duplicate_rows", "invalid": "dlq_rows"}.get(kind.partition(":")[0], "raw_rows")
        counts[name] += count
    return counts


def demo(
    exit_after: Annotated[bool, typer.Option("--exit", help="Stop everything at the end.")] = False,
    orders: Annotated[int, typer.Option(min=1, help="How many live messages to send.")] = 20_000,
    rate: Annotated[float, typer.Option(min=1, help="Messages per second.")] = 1_000,
) -> None:
    """Start everything, seed history, send live orders with faults among them, and prove that none is lost.

    Stays up until Ctrl-C, unless --exit. Exit code 0 if nothing was lost or doubled, 1 otherwise.
    """
    console = Console()
    with _running(console):
        outcome = _run(console, orders, rate)
        console.print(as_table(outcome.report))
        console.print(_summary_table(outcome))
        if not exit_after:
            _stay(console)
    if not outcome.good:
        raise typer.Exit(1)


@contextmanager
def _running(console: Console) -> Iterator[None]:
    """Use the environment that runs, or run one for as long as the demo lasts."""
    home = embedded.Home(embedded.default_home())
    with StartProgress(console) as progress:
        state = control.join(home, progress)
        if state is not None:
            progress.close()
            os.environ["ECOM_ENV_FILE"] = str(embedded.env_file())
            yield
            return
        with embedded.running(home.root, watch=progress) as platform:
            progress.close()
            os.environ.update(platform.as_env())
            if state := embedded.load(home):
                console.print(services_table(state))
            yield
            console.print("stopping everything; the data stay (`ecom down --wipe` removes them)")


def _run(console: Console, orders: int, rate: float) -> Outcome:
    postgres, kafka = load(PostgresSettings), load(KafkaSettings)
    _seed(console, postgres)
    with closing(connect_patiently(postgres, "etl", "ecom-demo")) as connection:
        with connection:
            start = committed_offsets(connection, kafka.orders_topic)
        before = totals(connection, kafka.orders_topic)
        summary = _produce(console, kafka, orders, rate)
        with console.status("waiting for the stream, then checking every order"):
            report = verify(postgres, kafka)
        return Outcome(
            summary,
            _difference(totals(connection, kafka.orders_topic), before),
            freshness(connection, kafka.orders_topic, start, _QUANTILES),
            dlq.count_by_reason(connection),
            report,
        )


def _seed(console: Console, postgres: PostgresSettings) -> None:
    with console.status(f"seeding {_HISTORY_ORDERS:,} past orders"):
        try:
            report = seed(postgres, SeedPlan(orders=_HISTORY_ORDERS))
        except SeedRefused:
            console.print("history: another seed is loaded already and stays")
            return
        publish_from_raw(postgres)
    done = "was there already" if report.already_seeded else f"{report.order_rows:,} order events loaded"
    console.print(f"history: {done}")


def _produce(console: Console, kafka: KafkaSettings, orders: int, rate: float) -> Summary:
    columns = (TextColumn("sending live orders"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=orders)
        plan = ProducePlan(rate=rate, count=orders, shares=_SHARES)
        return produce(kafka, plan, lambda sent: bar.update(task, completed=sent.delivered.total()))


def _difference(after: Totals, before: Totals) -> Totals:
    return Totals(*(getattr(after, name) - getattr(before, name) for name in Totals.__match_args__))


def _summary_table(outcome: Outcome) -> Table:
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
    table.add_row("in the DLQ", f"{committed.dlq_rows:,} now; all by reason: {reasons}")
    places = ", ".join(f"{name.replace('_', ' ')} {gap:,} short" for name, gap in outcome.missing.items())
    table.add_row("lost", f"[bold]{outcome.lost:,}[/] {places}".rstrip())
    table.add_row("doubled", f"[bold]{outcome.doubled:,}[/]")
    if outcome.freshness_s:
        median, late = outcome.freshness_s
        table.add_row("freshness", f"p50 {median:.2f} s, p99 {late:.2f} s (Kafka's timestamp to commit)")
    table.add_row("rate", f"{summary.rate:,.0f} messages/s")
    return table


def _stay(console: Console) -> None:
    console.print("It stays up. Look around from another terminal, in this folder:")
    for command, what in (
        ("ecom produce --rate 200", "send more live orders"),
        ("ecom verify", "prove again that none is lost"),
        ("ecom dlq list", "see which messages were refused, and why"),
        ("ecom logs stream -f", "watch the micro-batches"),
        ("ecom status", "addresses, logs, restarts"),
    ):
        console.print(f"  [bold]{command:<26}[/]{what}")
    console.print("Ctrl-C stops everything.")
    # The demo is over and passed or failed by now: stopping it is no failure.
    with suppress(KeyboardInterrupt):
        threading.Event().wait()
