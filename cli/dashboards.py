"""`ecom dashboards`: bring a Metabase to what the files in dashboards/charts say."""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from cli.context import use_platform
from cli.output import print_table
from dashboards.metabase.differences import Difference
from dashboards.metabase.errors import MetabaseError
from dashboards.metabase.provision import Applied, Provisioner
from dashboards.metabase.render import render
from dashboards.spec_files import load as load_spec
from pipeline.settings import (
    DashboardsSettings,
    MetabaseSettings,
    PostgresSettings,
    env_file_variables,
    load,
)

_URL = "ECOM_METABASE_URL"
_DIFFERS = 2
_STYLES = {"create": "green", "update": "yellow", "unmanaged": "magenta", "unchanged": "dim"}
_NONE_HERE = (
    f"this environment has no Metabase ({_URL} is empty): its dashboards are at {{page}}; `--url http://…`"
    " names a Metabase that you run yourself"
)

app = typer.Typer(
    help="The dashboards in a Metabase: what differs, and bring it there.", no_args_is_help=True
)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Url = Annotated[str, typer.Option("--url", help=f"The Metabase, instead of {_URL}.")]
Wait = Annotated[float, typer.Option("--wait", min=0, help="Seconds to wait for a Metabase that starts.")]


@app.callback()
def dashboards() -> None:
    """Compare a Metabase with the dashboards' files, and write what differs."""


@app.command()
def plan(
    url: Url = "",
    wait: Wait = 300,
    check: Annotated[bool, typer.Option("--check", help="Exit with 2 if an apply would write.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show what an apply would write; nothing is written."""
    differences = _provisioner(url, wait).plan()
    if as_json:
        typer.echo(json.dumps([asdict(one) for one in differences], indent=2))
    else:
        _show(differences, "would write")
    if check and any(one.is_open for one in differences):
        raise typer.Exit(_DIFFERS)


@app.command()
def apply(
    url: Url = "",
    wait: Wait = 300,
    send_password: Annotated[
        bool,
        typer.Option("--send-password", help="Send bi_readonly's password again though its queries work."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write what differs, read it back, and run every card. Exit code 1 if a card's query fails."""
    applied = _provisioner(url, wait).apply(send_password)
    if as_json:
        typer.echo(json.dumps(asdict(applied), indent=2))
    else:
        _show(applied.differences, "wrote")
        _show_outcome(applied)
    if applied.failed:
        raise typer.Exit(1)


def _provisioner(url: str, wait_s: float) -> Provisioner:
    use_platform()
    if url:
        os.environ[_URL] = url.rstrip("/")
    if not (env_file_variables() | os.environ).get(_URL):
        raise MetabaseError(_NONE_HERE.format(page=load(DashboardsSettings).url))
    metabase, warehouse = load(MetabaseSettings), load(PostgresSettings)
    wanted = render(load_spec(), metabase, warehouse)
    return Provisioner(metabase, warehouse, wanted, wait_s, lambda line: typer.echo(line, err=True))


def _show(differences: Sequence[Difference], verb: str) -> None:
    shown = [one for one in differences if one.action != "unchanged"]
    table = Table("action", "kind", "name", "what")
    for one in shown:
        table.add_row(
            one.action, one.kind, escape(one.name), escape("; ".join(one.what)), style=_STYLES[one.action]
        )
    if shown:
        print_table(table)
    written = sum(one.is_open for one in differences)
    same = sum(one.action == "unchanged" for one in differences)
    typer.echo(f"{verb} {written}, unchanged {same}, not ours {len(shown) - written}")


def _show_outcome(applied: Applied) -> None:
    for name, address in applied.addresses.items():
        typer.echo(f"{name}: {address}")
    for one in applied.failed:
        typer.echo(f"the query of {one.card!r} fails: {one.error}", err=True)
