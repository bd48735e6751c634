"""`ecom batch`: run the batch, and see what earlier runs did."""

import json
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Annotated, Any

import typer
from psycopg2.extensions import cursor as Cursor
from rich.markup import escape
from rich.table import Table

from cli.context import use_platform
from cli.output import print_table
from cli.quality_tables import results_table
from pipeline.database import connect_patiently
from pipeline.jobs import history
from pipeline.jobs.command import Day, KindOption, Verbose, Wait, be_verbose, run_everything, selection
from pipeline.jobs.history import RunSummary
from pipeline.jobs.seat import WAIT_S
from pipeline.quality import results
from pipeline.settings import PostgresSettings, load

app = typer.Typer(help="The batch: raw to curated, behind the quality gate.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def run(
    kind: KindOption = "increment",
    from_day: Day = None,
    until_day: Day = None,
    full: Annotated[bool, typer.Option("--full", help="The same as --kind full.")] = False,
    wait: Wait = WAIT_S,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON line for each step.")] = False,
    verbose: Verbose = False,
) -> None:
    """Run a batch here, without Airflow: begin, dimensions, facts, gate, publish, check.

    Exit code 0: published and checked. 3: a check failed; at the gate nothing is published, after it
    what is published stays. 4: another run is not done. 5: another run or publication came between; run it
    again. 1: anything else.
    """
    if full and kind == "backfill":
        raise typer.BadParameter("--full and --kind backfill exclude each other")
    chosen = selection("full" if full else kind, from_day, until_day)
    use_platform()
    if verbose:
        be_verbose()
    run_everything(chosen, wait, _print_json_line if as_json else _print_step, as_json)


@app.command("list")
def list_runs(
    limit: Annotated[int, typer.Option(min=1, help="At most this many.")] = 20, as_json: AsJson = False
) -> None:
    """List the latest runs: what they read, what they staged, and how far they came."""
    with _cursor() as cursor:
        found = history.latest(cursor, limit)
    if as_json:
        typer.echo(json.dumps([one.as_dict() for one in found], indent=2))
    else:
        print_table(_table(found))


@app.command()
def show(
    run_id: Annotated[str, typer.Argument(help="A run's id, as `ecom batch list` prints it.")],
    as_json: AsJson = False,
) -> None:
    """Show one run, and what its checks found."""
    with _cursor() as cursor:
        found = history.summary(cursor, run_id)
        judged = results.find(cursor, run_id)
    if as_json:
        pages = [{"phase": result.phase, **result.as_json()} for result in judged]
        typer.echo(json.dumps({**found.as_dict(), "results": pages}, indent=2))
        return
    for name, value in found.as_dict().items():
        typer.echo(f"{name.replace('_', ' ')}: {'-' if value is None else value}")
    if judged:
        print_table(results_table(judged, "quality"))


def _table(runs: Sequence[RunSummary]) -> Table:
    table = Table(title="runs")
    table.add_column("run", no_wrap=True)  # whole, because other commands want it
    for name in ("kind", "days", "state", "orders staged", "started (UTC)", "publication"):
        table.add_column(name)
    for one in runs:
        days = f"{one.from_day} to {one.until_day}" if one.from_day else ""
        table.add_row(
            escape(one.run_id),
            one.kind,
            days,
            one.state + (", check failed" if one.check_failures else ""),
            "" if one.staged_facts is None else f"{one.staged_facts:,}",
            f"{one.started_at:%Y-%m-%d %H:%M:%S}",
            str(one.publication_id or ""),
        )
    return table


def _print_step(step: str, found: dict[str, Any]) -> None:
    if "results" in found:
        counts: dict[str, int] = {}
        for result in found["results"]:
            counts[result["outcome"]] = counts.get(result["outcome"], 0) + 1
        found = counts
    typer.echo(f"{step}: " + ", ".join(f"{name} {value}" for name, value in found.items()))


def _print_json_line(step: str, found: dict[str, Any]) -> None:
    typer.echo(json.dumps({"step": step, **found}, default=str))


@contextmanager
def _cursor() -> Iterator[Cursor]:
    use_platform()
    with (
        closing(connect_patiently(load(PostgresSettings), "etl", "ecom-batch-list")) as connection,
        connection,
        connection.cursor() as cursor,
    ):
        yield cursor
