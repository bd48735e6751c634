"""`ecom seed`: customers, products and past orders into an empty warehouse."""

import json
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from cli.context import use_platform
from cli.output import print_table
from pipeline.rebuild.publish import publish_from_raw
from pipeline.settings import PostgresSettings, load
from producer.catalog import DEFAULT_CUSTOMERS, DEFAULT_PRODUCTS, DEFAULT_SEED
from producer.evolve import EvolvePlan
from producer.evolve import evolve as run_evolve
from producer.seed import SeedPlan, SeedRefused, SeedReport
from producer.seed import seed as run_seed

_DEFAULTS = SeedPlan()


def seed(
    customers: Annotated[int, typer.Option(min=1, help="How many customers.")] = DEFAULT_CUSTOMERS,
    products: Annotated[int, typer.Option(min=1, help="How many products.")] = DEFAULT_PRODUCTS,
    orders: Annotated[int, typer.Option(min=1, help="How many past orders.")] = _DEFAULTS.orders,
    days: Annotated[int, typer.Option(min=1, max=3_650, help="Days of history.")] = _DEFAULTS.days,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same rows.")] = DEFAULT_SEED,
    until: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="First UTC day that isn't in the history; today by default."),
    ] = None,
    evolve: Annotated[
        bool, typer.Option("--evolve", help="Load nothing: change some segments and prices as of now.")
    ] = False,
    if_empty: Annotated[
        bool, typer.Option("--if-empty", help="Any seed that is there already is as good: exit code 0.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as one JSON object.")] = False,
) -> None:
    """Load customers, products and past orders, and publish them to curated.

    The same seed again changes nothing. A warehouse that holds another seed is left alone: exit code 1, but
    with --if-empty 0.
    With --evolve, changes are appended for the next batch to make versions of (`ecom batch run`).
    """
    use_platform()
    if evolve:
        _evolve(seed, as_json)
        return
    try:
        plan = SeedPlan(customers, products, orders, days, seed, None if until is None else until.date())
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="'--until'") from None
    if until is not None and until.replace(tzinfo=UTC) > datetime.now(UTC):
        raise typer.BadParameter("the history can't end in the future", param_hint="'--until'")
    settings = load(PostgresSettings)
    try:
        report = _seed_with_bar(settings, plan)
    except SeedRefused:
        if not if_empty:
            raise
        typer.echo("another seed is there, which will do", err=True)
        report = SeedReport(already_seeded=True, plan=plan)
    # Also when the rows were there already: the first run may have ended between the two.
    publish_from_raw(settings)
    if as_json:
        typer.echo(json.dumps(report.as_json()))
    else:
        print_table(_table(report))


def _evolve(seed: int, as_json: bool) -> None:
    plan = EvolvePlan(at=datetime.now(UTC).replace(microsecond=0), seed=seed)
    report = run_evolve(load(PostgresSettings), plan)
    if as_json:
        typer.echo(json.dumps(report.as_json()))
        return
    typer.echo(
        f"{report.customer_rows:,} customers changed their segment and {report.product_rows:,} products their"
        f" price as of {report.at:%Y-%m-%d %H:%M:%S} UTC; the next batch publishes it (`ecom batch run`)"
    )


def _seed_with_bar(settings: PostgresSettings, plan: SeedPlan) -> SeedReport:
    columns = (TextColumn("loading order events"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task("", total=None)
        return run_seed(settings, plan, lambda done, total: bar.update(task, completed=done, total=total))


def _table(report: SeedReport) -> Table:
    plan = report.plan
    title = "already seeded" if report.already_seeded else f"seeded in {report.seconds:.1f} s"
    table = Table("table", "rows loaded", "what", title=title, title_justify="left")
    table.columns[1].justify = "right"
    table.add_row(
        "raw.customers", f"{report.customer_rows:,}", f"{plan.customers:,} customers and their changes"
    )
    table.add_row("raw.products", f"{report.product_rows:,}", f"{plan.products:,} products and their prices")
    what = f"events of {plan.orders:,} orders in the {plan.days:,} days before {plan.until or 'today'}"
    table.add_row("raw.orders", f"{report.order_rows:,}", what)
    return table
