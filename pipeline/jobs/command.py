"""The batch's command line, shared by `python -m pipeline.jobs` and `ecom batch`."""

import json
import logging
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from pipeline.jobs.publish import StagingIncomplete
from pipeline.jobs.run import Kind, RunUnknown, Selection
from pipeline.jobs.seat import LEASE_IN_ONE_PROCESS_S, WAIT_S, SeatLost, SeatTaken
from pipeline.jobs.whole import OnDone, run_whole
from pipeline.quality.errors import QualityError
from pipeline.quality.results import Result
from pipeline.quality.runner import QualityFailed
from pipeline.settings import BatchSettings, PostgresSettings, load
from pipeline.spark_failures import SparkFailed
from pipeline.writers_lock import WritersBusy

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from pipeline.jobs.steps import Steps

EXPECTED_ERRORS: tuple[type[Exception], ...] = (QualityError, SparkFailed, WritersBusy)
# Whoever starts steps goes by these: a repetition mends neither a failed check nor a lost place.
EXIT_CODES: dict[type[Exception], int] = {
    QualityFailed: 3,
    SeatTaken: 4,
    SeatLost: 5,
    RunUnknown: 5,
    StagingIncomplete: 5,
}

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
Wait = Annotated[float, typer.Option(min=0, help="Seconds to wait for the run that has staging.")]
Verbose = Annotated[bool, typer.Option("--verbose", help="Log what Spark says, with its tracebacks.")]


@app.callback()
def jobs(verbose: Verbose = False) -> None:
    """Say how much is logged, whatever the step."""
    if verbose:
        be_verbose()


def be_verbose() -> None:
    """Log what the pipeline knows at length, and what Spark says."""
    logging.getLogger("pipeline").setLevel(logging.DEBUG)


@app.command()
def begin(
    run_id: RunId,
    kind: KindOption = "increment",
    from_day: Day = None,
    until_day: Day = None,
    wait: Wait = WAIT_S,
) -> None:
    """Wait for the run before, empty staging, and fix what this run reads. Exit code 4: it is not done."""
    chosen = selection(kind, from_day, until_day)
    with _exit_codes():
        run = steps_of(run_id, wait).begin(chosen)
    _tell(run_id=run_id, kind=run.selection.kind, orders=[run.orders.after, run.orders.until])


@app.command()
def dimensions(run_id: RunId) -> None:
    """Stage the versions of the customers and products that have new states."""
    with _exit_codes():
        _tell(run_id=run_id, staged=steps_of(run_id).dimensions())


@app.command()
def facts(run_id: RunId) -> None:
    """Stage the facts of the orders that the run rebuilds."""
    with _exit_codes():
        _tell(run_id=run_id, staged={"facts": steps_of(run_id).facts()})


@app.command()
def gate(run_id: RunId) -> None:
    """Judge what is staged. Exit code 3: nothing may be published; mend it and repeat this step."""
    with _exit_codes():
        _tell(run_id=run_id, phase="gate", passed=True, results=as_json(steps_of(run_id).gate()))


@app.command()
def publish(run_id: RunId) -> None:
    """Merge staging into curated, in one transaction."""
    with _exit_codes():
        _tell(run_id=run_id, publication_id=steps_of(run_id).publish())


@app.command()
def check(run_id: RunId) -> None:
    """Judge what was published. Exit code 3: checks failed; what is published stays."""
    with _exit_codes():
        _tell(run_id=run_id, phase="check", passed=True, results=as_json(steps_of(run_id).check()))


@app.command("all")
def whole(
    kind: KindOption = "increment", from_day: Day = None, until_day: Day = None, wait: Wait = WAIT_S
) -> None:
    """Run all steps in this process under a new run id; a run that fails gives up its place at once."""
    run_everything(selection(kind, from_day, until_day), wait, lambda step, found: _tell(step=step, **found))


def run_everything(chosen: Selection, wait: float, on_done: OnDone, as_json: bool = True) -> None:
    """Run all steps under a new run id, telling `on_done` of each; exit with a code of EXIT_CODES."""
    with _exit_codes(as_json):
        steps = steps_of(new_run_id(), wait)
        steps.lease_s = LEASE_IN_ONE_PROCESS_S
        run_whole(steps, chosen, on_done)


def selection(kind: str, from_day: datetime | None, until_day: datetime | None) -> Selection:
    """Return what the options ask for; raise typer.BadParameter if they don't fit each other.

    Days alone ask for a backfill, which nothing else takes.
    """
    if kind == "increment" and (from_day or until_day):
        kind = "backfill"
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


def as_json(results: list[Result]) -> list[dict[str, object]]:
    """Return results as they are printed."""
    return [result.as_json() for result in results]


@contextmanager
def _exit_codes(as_json_line: bool = True) -> Iterator[None]:
    """End with the error's line on stderr and its exit code; a failed phase's results go to stdout before."""
    try:
        yield
    except tuple(EXIT_CODES) as error:
        if isinstance(error, QualityFailed) and as_json_line:
            found = as_json(list(error.results))
            _tell(run_id=error.run_id, phase=error.phase, passed=False, results=found)
        sys.stdout.flush()  # Airflow reads both as one, and takes the last line for the reason
        sys.stderr.write(f"error: {error}\n")
        raise typer.Exit(EXIT_CODES[type(error)]) from None


def new_run_id() -> str:
    """Return a name for a run that a person starts."""
    return f"manual-{datetime.now(UTC):%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:6]}"


def steps_of(run_id: str, wait: float = WAIT_S) -> "Steps":
    """Return the steps of a run on the platform that the process's variables name."""
    from pipeline.jobs.steps import Steps  # pyspark takes half a second to import

    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(message)s")
    logging.getLogger("py4j").setLevel(logging.ERROR)  # or its farewell would be the last line, not our error
    keep_days = load(BatchSettings).quality_retention_days
    steps = Steps(load(PostgresSettings), run_id, _open_session, _say_waiting, wait)
    steps.keep_results_days = keep_days
    return steps


def _open_session() -> "SparkSession":
    from pipeline.jobs.session import open_batch_session

    return open_batch_session()


def _say_waiting(owner: str) -> None:
    logging.getLogger(__name__).info("waiting for run %s", owner)


def _tell(**result: object) -> None:
    sys.stdout.write(json.dumps(result, default=str) + "\n")
