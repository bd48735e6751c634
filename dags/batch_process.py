"""Run a step of the batch as a process beside the task, and tell Airflow what its exit code means."""

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.exceptions import (  # type: ignore[attr-defined] # 3.0 has it nowhere else
    AirflowException,
    AirflowFailException,
)
from airflow.providers.standard.hooks.subprocess import SubprocessHook
from airflow.sdk import BaseOperator, BaseSensorOperator

if TYPE_CHECKING:
    from airflow.sdk import Context

JOBS_MODULE = "pipeline.jobs"
# pipeline.jobs.command's exit codes.
WRONG_OPTIONS, GATE_FAILED, SEAT_TAKEN, BEGIN_AGAIN = 2, 3, 4, 5
_HOPELESS = {
    WRONG_OPTIONS: "the run's parameters make no sense",
    GATE_FAILED: "a quality check failed",
    BEGIN_AGAIN: "this run lost its place: clear it from its first task, `begin`",
}
_LATER = {SEAT_TAKEN: "another run, or an earlier try of this step, is still at work"}
OnStart = Callable[[Callable[[], None]], None]


def here(step: str, *arguments: str) -> list[str]:
    """Return the command that runs a step in a process of its own on this machine."""
    return [sys.executable, "-m", JOBS_MODULE, *words(step, *arguments)]


def words(step: str, *arguments: str) -> list[str]:
    """Return what the jobs' program is given; verbose, because a task's log is where people look for more."""
    return ["--verbose", step, *arguments]


def run(command: Sequence[str], on_start: OnStart, accepted: Sequence[int] = (0,)) -> int:
    """Run a command to its end and return its exit code; `on_start` is given what ends it early.

    Raises what `failure` says of a code that is not accepted.
    """
    hook = SubprocessHook()
    on_start(hook.send_sigterm)
    # The task's own way of finding the pipeline, which may lie beside the DAGs and not be installed.
    path = os.pathsep.join(filter(None, sys.path))
    # Or spark-submit would take whatever `python3` is on PATH.
    env = {"PYSPARK_PYTHON": sys.executable, **os.environ, "PYTHONPATH": path}
    result = hook.run_command(list(command), env=env, cwd=str(Path.cwd()))
    if result.exit_code in accepted:
        return int(result.exit_code)
    raise failure(result.exit_code, result.output)


def failure(exit_code: int, said: str) -> AirflowException:
    """Return what a step's exit code means: AirflowFailException where no retry can help."""
    kind = AirflowFailException if exit_code in _HOPELESS else AirflowException
    means = (_HOPELESS | _LATER).get(exit_code, f"exit code {exit_code}")
    found: AirflowException = kind(f"{means}: {said}")
    return found


class BeginRun(BaseSensorOperator):
    """Give the batch run the seat; while another run has it, come back later and hold no worker meanwhile."""

    template_fields: Sequence[str] = ("run_id", "arguments")

    def __init__(self, *, run_id: str, arguments: list[str], **options: Any) -> None:
        """Take the batch run's id and the options of `begin`, templates all."""
        super().__init__(mode="reschedule", **options)
        self.run_id = run_id
        self.arguments = arguments
        self._stop: Callable[[], None] = nothing

    def poke(self, context: "Context") -> bool:
        """Try once."""
        options = [word for word in self.arguments if not word.endswith("=")]
        command = here("begin", "--run-id", self.run_id, "--wait", "0", *options)
        return run(command, self._started, accepted=(0, SEAT_TAKEN)) == 0

    def on_kill(self) -> None:
        """End the process with the task."""
        self._stop()

    def _started(self, stop: Callable[[], None]) -> None:
        self._stop = stop


class SqlStep(BaseOperator):
    """Run a step that is SQL alone, e.g. `publish`, so that no Spark is needed."""

    template_fields: Sequence[str] = ("run_id",)

    def __init__(self, *, step: str, run_id: str, **options: Any) -> None:
        """Take the step's name and the batch run's id, a template."""
        super().__init__(**options)
        self.step = step
        self.run_id = run_id
        self._stop: Callable[[], None] = nothing

    def execute(self, context: "Context") -> None:
        """Run the step to its end."""
        run(here(self.step, "--run-id", self.run_id), self._started)

    def on_kill(self) -> None:
        """End the process with the task."""
        self._stop()

    def _started(self, stop: Callable[[], None]) -> None:
        self._stop = stop


def nothing() -> None:
    """Stop nothing: no process was started yet."""
