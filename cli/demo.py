"""`ecom demo`: everything once, from nothing to the proof that no order was lost."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from cli.daily_run import print_failures, run_daily
from cli.demo_days import answer_for
from cli.outcome import Outcome, summary_table
from cli.progress import Progress as StartProgress
from cli.progress import services_table
from cli.verify import as_table, batch_rebuild
from environments import embedded
from environments.embedded import EnvironmentFailed, control
from infra.platform import Platform
from pipeline import dlq
from pipeline.database import connect_patiently
from pipeline.rebuild.publish import publish_from_raw
from pipeline.settings import DashboardsSettings, KafkaSettings, PostgresSettings, load
from pipeline.stream.progress import Totals, committed_offsets, freshness, totals
from pipeline.verify import verify
from producer.evolve import EvolvePlan, evolve
from producer.messages import Shares
from producer.options import finite
from producer.run import ProducePlan, Summary
from producer.run import run as produce
from producer.seed import SeedPlan, SeedRefused, seed

_SHARES = Shares(updates=0.3, late=0.02, duplicate=0.02, invalid=0.02)
_QUANTILES = (0.5, 0.99)
_HISTORY_ORDERS = 20_000


def demo(
    exit_after: Annotated[bool, typer.Option("--exit", help="Stop everything at the end.")] = False,
    orders: Annotated[int, typer.Option(min=1, help="How many live messages to send.")] = 20_000,
    rate: Annotated[float, typer.Option(min=1, callback=finite, help="Messages per second.")] = 1_000,
) -> None:
    """Start everything, seed history, send live orders with faults among them, and prove that none is lost.

    Stays up until Ctrl-C, unless --exit. Exit code 0 if nothing was lost or doubled, 1 otherwise; 128 and the
    signal's number if a signal ended it before that was known.
    """
    console = Console()
    with _running(console):
        outcome = _run(console, orders, rate)
        console.print(as_table(outcome.report))
        console.print(summary_table(outcome))
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
            _use(state.platform)
            console.print("using the environment that runs already; it stays up")
            yield
            return
        with embedded.running(home.root, watch=progress) as platform:
            progress.close()
            _use(platform)
            if state := embedded.load(home):
                console.print(services_table(state))
            try:
                yield
            finally:
                with suppress(OSError):  # a closed terminal
                    console.print("stopping everything; the data stay (`ecom down --wipe` removes them)")


def _use(platform: Platform | None) -> None:
    """Make the environment's own variables win: others may be exported here, and the demo writes."""
    if platform is None:
        raise EnvironmentFailed("what runs here has not come up: see `ecom status`")
    os.environ.update(platform.as_env())


def _run(console: Console, orders: int, rate: float) -> Outcome:
    postgres, kafka = load(PostgresSettings), load(KafkaSettings)
    _seed(console, postgres)
    with closing(connect_patiently(postgres, "etl", "ecom-demo")) as connection:
        with connection:
            start = committed_offsets(connection, kafka.orders_topic)
        before = totals(connection, kafka.orders_topic)
        today = datetime.now(UTC).date()
        summary = _produce(console, kafka, orders, rate)
        with connection:
            answer_for(connection, today)
        daily = run_daily(console)
        console.print(daily.table())
        print_failures(console, daily)
        with console.status("waiting for the stream, then checking every order"):
            report = verify(postgres, kafka, batch=batch_rebuild)
        return Outcome(
            summary,
            daily.state,
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
        evolve(postgres, EvolvePlan(at=datetime.now(UTC).replace(microsecond=0)))
    done = "was there already" if report.already_seeded else f"{report.order_rows:,} order events loaded"
    console.print(f"history: {done}")


def _produce(console: Console, kafka: KafkaSettings, orders: int, rate: float) -> Summary:
    columns = (TextColumn("sending live orders"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=orders)
        plan = ProducePlan(rate=rate, count=orders, shares=_SHARES)
        summary = produce(kafka, plan, lambda sent: bar.update(task, completed=sent.delivered.total()))
    if summary.interrupted_by:
        sent = f"{summary.delivered:,} of {orders:,} messages were acknowledged"
        with suppress(OSError):
            console.print(f"interrupted by {summary.interrupted_by}: {sent}, nothing was checked")
        raise typer.Exit(128 + signal.Signals[summary.interrupted_by])
    return summary


def _difference(after: Totals, before: Totals) -> Totals:
    return Totals(*(getattr(after, name) - getattr(before, name) for name in Totals.__match_args__))


def _stay(console: Console) -> None:
    url = load(DashboardsSettings).url
    console.print(f"It stays up. Dashboards: [bold]{url}[/] (they move while you send orders).")
    console.print("Look around from another terminal, in this folder:")
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
