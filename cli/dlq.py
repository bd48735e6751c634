"""`ecom dlq`: look into the dead-letter queue and send messages in again."""

import json
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict
from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from cli.context import use_platform
from pipeline import dlq
from pipeline.database import connect_patiently
from pipeline.settings import KafkaSettings, PostgresSettings, load

app = typer.Typer(help="The dead-letter queue: invalid messages, each with its reason.", no_args_is_help=True)

State = Annotated[str, typer.Option(help=f"Which ones: {', '.join(dlq.STATES)}.")]
Reason = Annotated[str | None, typer.Option(help="Only this reason, e.g. invalid_field.")]
Limit = Annotated[int, typer.Option(min=1, help="At most this many.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("list")
def list_entries(
    state: State = "open", reason: Reason = None, limit: Limit = 50, as_json: AsJson = False
) -> None:
    """List the ledger: one line per origin, however often it was sent or replayed."""
    use_platform()
    with closing(connect_patiently(load(PostgresSettings), "ingest", "ecom-dlq")) as connection:
        found = dlq.entries(connection, state, reason, limit)
        totals = dlq.count_by_reason(connection)
    if as_json:
        typer.echo(json.dumps({"by_reason": totals, "entries": [asdict(entry) for entry in found]}, indent=2))
        return
    console = Console()
    console.print(entries_table(found))
    console.print(", ".join(f"{name} {count:,}" for name, count in totals.items()) or "nothing unresolved")
    if len(found) == limit:
        console.print(f"stopped at --limit {limit:,}: there may be more")


def entries_table(found: Sequence[dlq.LedgerEntry]) -> Table:
    """Return entries for a terminal; each reason is whole on one of 80 columns."""
    table = Table(title="dead letters", title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("origin", overflow="fold")
    # Below each other, so that the reason is whole on a narrow terminal.
    widest = max((len(entry.reason) for entry in found), default=0)
    table.add_column("reason, detail", overflow="fold", min_width=widest)
    for name in ("tries", "state", "first seen"):
        table.add_column(name, no_wrap=True)
    for entry in found:
        why = f"{entry.reason}\n{escape(entry.detail)}".rstrip()
        table.add_row(
            entry.origin, why, str(entry.attempts), entry.state, entry.first_seen_at.replace("T", "\n")
        )
    return table


@app.command()
def show(
    origin: Annotated[str, typer.Argument(help="topic/partition/offset, as `ecom dlq list` prints it.")],
    raw: Annotated[bool, typer.Option("--raw", help="Write only the message's bytes.")] = False,
) -> None:
    """Show one message: its bytes, its key, and the headers that say why it is here."""
    use_platform()
    message = dlq.find_message(load(KafkaSettings), origin)
    if raw:
        sys.stdout.buffer.write(message.value)
        return
    for name, text in message.headers.items():
        typer.echo(f"{printable(name)}: {printable(text)}")
    typer.echo(f"dlq-offset: {message.offset}")
    typer.echo(f"key: {message.key!r}")
    typer.echo(f"value ({len(message.value):,} bytes):")
    typer.echo(printable(message.value.decode("utf-8", "backslashreplace")))


def printable(text: str) -> str:
    """Return text that a terminal takes for text alone: anybody can have sent it."""
    return "".join(
        one if one.isprintable() or one in "\n\t" else one.encode("unicode_escape").decode() for one in text
    )


@app.command()
def replay(
    origins: Annotated[
        list[str] | None, typer.Argument(help="Origins to replay; none: all that match.")
    ] = None,
    reason: Reason = None,
    limit: Limit = 1000,
    as_json: AsJson = False,
) -> None:
    """Send messages to the orders topic again, after the cause is mended.

    Each keeps its origin: it is counted once, and leaves the queue when it is accepted.
    """
    use_platform()
    kafka = load(KafkaSettings)
    with closing(connect_patiently(load(PostgresSettings), "ingest", "ecom-dlq")) as connection:
        wanted = origins or [entry.origin for entry in dlq.entries(connection, "open", reason, limit)]
        done = dlq.replay(connection, kafka, wanted)
    # As many as asked for: there may be more.
    more = not origins and len(wanted) == limit
    if as_json:
        typer.echo(json.dumps(_as_json(done, more)))
    else:
        gone = ", ".join(done.absent) or "none"
        typer.echo(f"replayed {len(done.sent):,}, not in {kafka.dlq_topic} (any more): {gone}")
        if done.too_large:
            typer.echo(
                f"too large for {kafka.orders_topic} or {kafka.dlq_topic}: {', '.join(done.too_large)}"
            )
        if more:
            typer.echo(f"stopped at --limit {limit:,}: the same command again sends the rest")
    if done.absent or done.too_large:
        raise typer.Exit(1)


def _as_json(done: dlq.Replayed, more: bool) -> dict[str, object]:
    return {
        "replayed": done.sent,
        "not_found": done.absent,
        "too_large": done.too_large,
        "limit_reached": more,
    }
