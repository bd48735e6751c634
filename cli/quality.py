"""`ecom quality`: what the checks found, and failures that somebody answers for."""

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer
from psycopg2.extensions import cursor as Cursor

from cli.context import use_platform
from cli.output import print_table
from cli.quality_tables import exceptions_table, results_table
from pipeline.database import connect_patiently
from pipeline.quality import exceptions, results
from pipeline.quality.checks import CHECKS, check_named
from pipeline.quality.results import Result
from pipeline.settings import PostgresSettings, load

app = typer.Typer(help="Quality checks: results, failing rows, accepted exceptions.", no_args_is_help=True)

Run = Annotated[str | None, typer.Option("--run", help="Only this run's; the latest run's by default.")]
Failed = Annotated[bool, typer.Option("--failed", help="Only what failed, warned or was accepted.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Until = Annotated[datetime, typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M"], help="When it ends, UTC.")]
_MEANINGS = {check.name: check.meaning for check in CHECKS}
OnlyDay = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Only on this UTC day.")]


@app.command("list")
def list_results(run: Run = None, failed: Failed = False, as_json: AsJson = False) -> None:
    """List a run's results, and the exceptions that hold now."""
    with _cursor() as cursor:
        wanted = run or next(iter(results.latest_runs(cursor)), None)
        found = results.of_run(cursor, wanted) if wanted else []
        accepted = exceptions.all_exceptions(cursor)
    if failed:
        found = [result for result in found if result.notable]
    if as_json:
        _print_json(
            run_id=wanted,
            results=[{"phase": result.phase, **result.as_json()} for result in found],
            exceptions=[asdict(one) for one in accepted],
        )
        return
    print_table(results_table(found, f"quality of run {wanted}" if wanted else "no run was judged yet"))
    if accepted:
        print_table(exceptions_table(accepted))


@app.command()
def show(
    run: Annotated[str, typer.Argument(help="A run's id, as `ecom batch list` prints it.")],
    check: Annotated[str | None, typer.Argument(help="One check; without it, all that did not pass.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show what checks mean, what they found, sample rows and the query to run again."""
    if check:
        check_named(check)
    with _cursor() as cursor:
        found = results.of_run(cursor, run, check)
    shown = found if check else [result for result in found if result.notable]
    if as_json:
        pages = [{"phase": result.phase, **result.as_json(), "query": result.query} for result in shown]
        _print_json(run_id=run, results=pages)
        return
    for result in shown:
        typer.echo(_page(result))
    if not shown:
        typer.echo(f"nothing failed in run {run}" if not check else f"{check} was not run in run {run}")


@app.command()
def accept(
    check: Annotated[str, typer.Argument(help="The check whose failure is accepted.")],
    who: Annotated[str, typer.Option(help="Who answers for it.")],
    why: Annotated[str, typer.Option(help="Why it may pass.")],
    until: Until,
    day: OnlyDay = None,
    as_json: AsJson = False,
) -> None:
    """Let a check's failure pass for a time; it is told as `accepted` wherever results are."""
    end = until.replace(tzinfo=UTC)
    with _cursor() as cursor:
        made = exceptions.accept(cursor, check, who, why, end, day.date() if day else None)
    if as_json:
        _print_json(**asdict(made))
    else:
        typer.echo(f"exception {made.exception_id}: {check} may fail until {made.until:%Y-%m-%d %H:%M} UTC")


def _page(result: Result) -> str:
    lines = [
        f"{result.phase}: {result.text}",
        f"  means: {_MEANINGS.get(result.check_name, 'this check is no longer declared')}",
        f"  table: {result.table_name}, severity: {result.severity}, day: {result.day},"
        f" took {result.duration_ms} ms",
    ]
    if result.reason:
        lines.append(f"  why: {result.reason}")
    lines += [f"  row: {json.dumps(sample)}" for sample in result.samples]
    return "\n".join([*lines, f"  query: {result.query or 'none'}", ""])


def _print_json(**values: object) -> None:
    typer.echo(json.dumps(values, indent=2, default=str))


@contextmanager
def _cursor() -> Iterator[Cursor]:
    use_platform()
    with (
        closing(connect_patiently(load(PostgresSettings), "etl", "ecom-quality")) as connection,
        connection,
        connection.cursor() as cursor,
    ):
        yield cursor
