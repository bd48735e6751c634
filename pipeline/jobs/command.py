"""The batch's command line, shared by `python -m pipeline.jobs` and `ecom batch`."""

import json
import logging
import sys
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from pipeline.jobs.publish import StagingIncomplete
from pipeline.jobs.run import Kind, RunUnknown, Selection
from pipeline.jobs.seat import SeatLost, SeatTaken
from pipeline.settings import PostgresSettings, load

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from pipeline.jobs.steps import Steps

EXPECTED_ERRORS: tuple[type[Exception], ...] = (SeatLost, SeatTaken, RunUnknown, StagingIncomplete)

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Rebuild curated tables from raw, step by step; each step may be repeated.",
)

RunId = Annotated[str, typer.Option("--run-id", help="Names the run; its steps share it.")]
KindOption = Annotated[
    str, typer.Option("--kind", help=f"Which orders to rebuild: {', '.join(get_args(Kind))}.")
]
Day = Annotated[
    datetime | None, typer.Option(formats=["%Y-%m-%d"], help="UTC day of ordered_at, for a backfill.")
]


@app.command()
def begin(run_id: RunId, kind: KindOption = "increment", from_day: Day = None, until_day: Day = None) -> None:
    """Wait for the run before, empty staging, and fix what this run reads."""
    run = _steps(run_id).begin(_selection(kind, from_day, until_day))
    _tell(run_id=run_id, kind=run.selection.kind, orders=[run.orders.after, run.orders.until])


@app.command()
def dimensions(run_id: RunId) -> None:
    """Stage the versions of the customers and products that have new states."""
    _tell(run_id=run_id, staged=_steps(run_id).dimensions())


@app.command()
def facts(run_id: RunId) -> None:
    """Stage the facts of the orders that the run rebuilds."""
    _tell(run_id=run_id, staged={"facts": _steps(run_id).facts()})


@app.command()
def publish(run_id: RunId) -> None:
    """Merge staging into curated, in one transaction."""
    _tell(run_id=run_id, publication_id=_steps(run_id).publish())


def _selection(kind: str, from_day: datetime | None, until_day: datetime | None) -> Selection:
    if kind not in get_args(Kind):
        raise typer.BadParameter(f"--kind takes {', '.join(get_args(Kind))}, not {kind!r}")
    try:
        return Selection(
            kind,  # type: ignore[arg-type] # checked above
            from_day.date() if from_day else None,
            until_day.date() if until_day else None,
        )
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def new_run_id() -> str:
    """Return a name for a run that a person starts."""
    return f"manual-{datetime.now(UTC):%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:6]}"


def _steps(run_id: str) -> "Steps":
    from pipeline.jobs.steps import Steps  # pyspark takes half a second to import

    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(message)s")
    return Steps(load(PostgresSettings), run_id, _open_session, _say_waiting)


def _open_session() -> "SparkSession":
    from pipeline.jobs.session import open_batch_session

    return open_batch_session()


def _say_waiting(owner: str) -> None:
    logging.getLogger(__name__).info("waiting for run %s", owner)


def _tell(**result: object) -> None:
    sys.stdout.write(json.dumps(result) + "\n")
