"""The producer's command line, shared by `python -m producer` and `ecom produce`."""

import json
import logging
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table

from pipeline.settings import KafkaSettings, load
from producer.catalog import DEFAULT_CUSTOMERS, DEFAULT_PRODUCTS, DEFAULT_SEED
from producer.client import BrokerUnavailable
from producer.delivery import Delivery
from producer.heartbeat import Heartbeat
from producer.messages import Shares
from producer.options import finite
from producer.run import ProducePlan, Summary, Watcher, run

_START_FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S.%fZ"]


def produce(
    rate: Annotated[
        float, typer.Option(min=0.0, callback=finite, help="Messages per second; 0 is as fast as possible.")
    ] = 100.0,
    count: Annotated[int | None, typer.Option(min=1, help="Stop after this many messages.")] = None,
    duration: Annotated[
        float | None, typer.Option(min=0.0, callback=finite, help="Stop after this many seconds.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Same as for `ecom seed`.")] = DEFAULT_SEED,
    customers: Annotated[int, typer.Option(min=1, help="Same as for `ecom seed`.")] = DEFAULT_CUSTOMERS,
    products: Annotated[int, typer.Option(min=1, help="Same as for `ecom seed`.")] = DEFAULT_PRODUCTS,
    updates: Annotated[float, typer.Option(min=0.0, max=1.0, help="Share: changes of recent orders.")] = 0.3,
    late: Annotated[float, typer.Option(min=0.0, max=1.0, help="Share: minutes to hours late.")] = 0.0,
    duplicate: Annotated[float, typer.Option(min=0.0, max=1.0, help="Share: sent once more.")] = 0.0,
    invalid: Annotated[float, typer.Option(min=0.0, max=1.0, help="Share: not valid events.")] = 0.0,
    start: Annotated[
        datetime | None,
        typer.Option(
            formats=_START_FORMATS, help="Simulate UTC time from here on: the same bytes every time."
        ),
    ] = None,
    give_up_after: Annotated[
        float,
        typer.Option(min=1.0, max=86_400.0, callback=finite, help="Seconds to retry while Kafka is away."),
    ] = 60.0,
    report: Annotated[Path | None, typer.Option(help="Write a JSON line per acknowledged message.")] = None,
    heartbeat: Annotated[
        Path | None, typer.Option(help="Touch this file, again and again, while Kafka takes what is sent.")
    ] = None,
    progress: Annotated[bool, typer.Option(help="Show a bar where a person reads.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as one JSON object.")] = False,
) -> None:
    """Send live order events until --count, --duration or Ctrl-C, and tell what Kafka acknowledged."""
    try:
        shares = Shares(updates=updates, late=late, duplicate=duplicate, invalid=invalid)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    plan = ProducePlan(
        rate=rate,
        count=count,
        duration_s=duration,
        seed=seed,
        customers=customers,
        products=products,
        shares=shares,
        start=None if start is None else start.replace(tzinfo=UTC),
        give_up_after_s=give_up_after,
        report=report,
    )
    beat = Heartbeat(heartbeat) if heartbeat else None
    _run(plan, beat, show_bar=progress and sys.stdout.isatty(), as_json=as_json)


def _run(plan: ProducePlan, beat: Watcher | None, show_bar: bool, as_json: bool) -> None:
    # The library logs every attempt; one line at the end is what a person needs.
    logging.getLogger("kafka").setLevel(logging.CRITICAL + 1)
    settings = load(KafkaSettings)
    try:
        with _bar(plan, show_bar) as bar:
            summary = run(settings, plan, _watcher(bar, plan, beat))
    except (BrokerUnavailable, OSError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from None
    _print(summary, as_json)
    if not (summary.failed or summary.error):
        return
    what = "stopped, with everything that was sent acknowledged"
    if summary.failed:
        what = f"{summary.failed:,} messages were not acknowledged by Kafka at {settings.bootstrap_servers}"
    typer.echo(f"error: {what}: {summary.error or 'stopped before they were'}", err=True)
    raise typer.Exit(1)


def _bar(plan: ProducePlan, show: bool) -> Progress:
    columns = (
        SpinnerColumn(),
        TextColumn("producing"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[state]}"),
    )
    return Progress(*columns, console=Console(stderr=True), disable=not show, transient=True)


def _watcher(bar: Progress, plan: ProducePlan, beat: Watcher | None) -> Watcher:
    task = bar.add_task("", total=plan.count, state="connecting")

    def watch(delivery: Delivery) -> None:
        state = f"failed {delivery.failed:,} · in flight {delivery.in_flight:,}"
        bar.update(task, completed=delivery.delivered.total(), state=state)
        if beat:
            beat(delivery)

    return watch


def _print(summary: Summary, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(asdict(summary)))
        return
    table = Table(title=f"Sent to {summary.topic}")
    for column in ("kind", "produced", "delivered"):
        table.add_column(column, justify="left" if column == "kind" else "right")
    for kind, produced in summary.produced.items():
        table.add_row(kind, f"{produced:,}", f"{summary.delivered_by_kind.get(kind, 0):,}")
    table.add_section()
    table.add_row("all", f"{sum(summary.produced.values()):,}", f"{summary.delivered:,}")
    console = Console()
    console.print(table)
    console.print(f"failed {summary.failed:,}; {summary.seconds:.1f} s, {summary.rate:,.0f} delivered/s")
