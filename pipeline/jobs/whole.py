"""All steps of a run in one process."""

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from pipeline.database import DatabaseUnavailable
from pipeline.jobs.run import Selection

if TYPE_CHECKING:
    from pipeline.jobs.steps import Steps

OnDone = Callable[[str, dict[str, Any]], None]


def run_whole(steps: "Steps", selection: Selection, on_done: OnDone) -> None:
    """Run every step, telling `on_done` each one's name and result.

    Nobody repeats a step of this run, so a failure frees the seat, and others needn't wait for the lease.
    Raises what the steps raise.
    """
    try:
        run = steps.begin(selection)
        on_done("begin", {"run_id": run.run_id, "kind": run.selection.kind})
        on_done("dimensions", {"staged": steps.dimensions()})
        on_done("facts", {"staged": {"facts": steps.facts()}})
        on_done("gate", {"results": [result.as_json() for result in steps.gate()]})
        on_done("publish", {"publication_id": steps.publish()})
        on_done("check", {"results": [result.as_json() for result in steps.check()]})
    except BaseException:
        with suppress(DatabaseUnavailable):
            steps.give_up()
        raise
