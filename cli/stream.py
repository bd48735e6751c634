"""`ecom stream`: what an operator does when the stream refuses to start."""

import json
from contextlib import closing
from dataclasses import asdict
from typing import Annotated

import typer

from cli.context import use_platform
from pipeline.database import connect_patiently
from pipeline.settings import KafkaSettings, PostgresSettings, load
from pipeline.stream.skip import skip_to_earliest
from pipeline.stream.topic import topic_range

app = typer.Typer(help="The streaming job, where it refuses to start.", no_args_is_help=True)


@app.callback()
def stream() -> None:
    """Mend what keeps the streaming job from starting."""


@app.command()
def skip(
    to_earliest: Annotated[
        bool,
        typer.Option("--to-earliest", help="Go on from the first offset that Kafka still holds. Required."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Go on without events that Kafka's retention removed before the stream had read them.

    They are counted as skipped in ops.stream_offsets, and `ecom verify` shows them from then on.
    """
    if not to_earliest:
        raise typer.BadParameter("say --to-earliest: the events in between are given up for good")
    use_platform()
    kafka = load(KafkaSettings)
    held = topic_range(kafka, kafka.orders_topic)
    with closing(connect_patiently(load(PostgresSettings), "ingest", "ecom-stream-skip")) as connection:
        skipped = skip_to_earliest(connection, held)
    if as_json:
        typer.echo(json.dumps({"topic": held.topic, "skipped": [asdict(part) for part in skipped]}))
        return
    for part in skipped:
        typer.echo(
            f"{held.topic}/{part.partition}: {part.count:,} offsets skipped, {part.first} to {part.until - 1}"
        )
    if not skipped:
        typer.echo(f"nothing to skip: Kafka holds what comes next of {held.topic}")
