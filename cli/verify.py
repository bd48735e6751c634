"""`ecom verify`: the proof that nothing was lost or doubled."""

import json
from typing import Annotated

import typer
from psycopg2.extensions import cursor as Cursor
from rich.console import Console
from rich.table import Table

from cli.context import use_platform
from cli.output import print_table
from pipeline.settings import KafkaSettings, PostgresSettings, load
from pipeline.verify import Finding, Report
from pipeline.verify import verify as run_verify
from producer.options import finite

_MEANING = {
    "lost": "events read from Kafka that are nowhere",
    "doubled": "events that are in raw.orders twice",
    "missing_facts": "orders in raw.orders without a row in curated.fact_orders",
    "surplus_facts": "rows in curated.fact_orders without an order in raw.orders",
    "different_facts": "orders whose row is not what raw.orders says",
    "different_versions": "versions in the dimensions that differ from raw.customers or raw.products",
    "different_from_batch": "orders whose row is not what the batch makes of raw in Spark",
    "wrong_sums": "sums of a day on the dashboards that the facts don't add up to",
    "counter_drift": "partitions whose counters in ops disagree with the tables",
}


def verify(
    timeout: Annotated[
        float,
        typer.Option(
            min=1, callback=finite, help="Give up after so many seconds without progress of the stream."
        ),
    ] = 120,
    quick: Annotated[
        bool, typer.Option("--quick", help="Leave out the batch's own rebuild, which needs Spark.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Prove that every order event is where it belongs, once.

    Fixes the topic's end offsets, waits until the stream has committed them, and checks one snapshot: every
    offset is in raw.orders, a known duplicate, in the DLQ or skipped on purpose; dimensions and facts are
    what raw says, by an independent query and by the batch's rebuild in Spark.
    Exit code 0 when clean, 1 when not.
    """
    use_platform()
    console = Console(stderr=True)
    with console.status("waiting for the stream") as status:
        report = run_verify(
            load(PostgresSettings),
            load(KafkaSettings),
            timeout,
            lambda behind: status.update(
                f"waiting for the stream: {behind:,} events to go" if behind else "checking"
            ),
            None if quick else batch_rebuild,
        )
    if as_json:
        typer.echo(json.dumps(report.as_dict(), indent=2))
    else:
        print_table(as_table(report))
    if not report.clean:
        raise typer.Exit(1)


def batch_rebuild(cursor: Cursor) -> Finding:
    """Compare curated with the batch's rebuild of everything, in the cursor's snapshot."""
    # Here, because pyspark takes half a second to import and not every command needs it.
    from pipeline.jobs.compare import compare
    from pipeline.jobs.session import open_batch_session

    session = open_batch_session()
    try:
        return compare(session, load(PostgresSettings), cursor)
    finally:
        session.stop()


def as_table(report: Report) -> Table:
    """Return the report for a terminal: the accounts, then each kind of fault with sample keys."""
    title = "verify: clean" if report.clean else "verify: NOT clean"
    table = Table("check", "count", "meaning and samples", title=title, title_justify="left")
    sides = (report.raw_rows, report.duplicates, report.dlq_origins, report.skipped)
    accounts = "= {:,} in raw + {:,} duplicates + {:,} in the DLQ + {:,} skipped".format(*sides)
    table.add_row("offsets", f"{report.offsets:,}", accounts)
    if report.skipped:
        gone = "never read: Kafka had removed them, and `ecom stream skip` gave them up"
        table.add_row("skipped", f"{report.skipped:,}", gone, style="yellow")
    table.add_row("facts", f"{report.facts:,}", "orders in curated.fact_orders")
    table.add_row("pending repair", f"{report.pending_repair:,}", "they wait for their customer or product")
    table.add_row("pending versions", f"{report.pending_versions:,}", "they wait for the next publication")
    for name, finding in report.findings().items():
        text = _MEANING[name] + ("".join(f"\n  {sample}" for sample in finding.samples))
        table.add_row(
            name.replace("_", " "), f"{finding.count:,}", text, style="red" if finding.count else "green"
        )
    return table
