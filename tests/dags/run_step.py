"""Run one step as Airflow's task runner does: execute it, and call on_kill when told to end.

Each in a process of its own, forked from one that has imported Airflow, which takes seconds.
"""

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

REPOSITORY = Path(__file__).parents[2]
IMPORTED = [
    "spark_task",
    "stream_keeper",
    "airflow.providers.amazon.aws.hooks.emr",
    "pipeline.settings",
    "boto3",
]


def prepared(home: Path) -> dict[str, str]:
    """Say what the process that the others are forked from imports; return the variables it starts with."""
    multiprocessing.get_context("forkserver").set_forkserver_preload(IMPORTED)
    return {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW_CONN_AWS_DEFAULT": "aws://",
        "PYTHONPATH": f"{REPOSITORY / 'dags'}{os.pathsep}{REPOSITORY}",
    }


@contextmanager
def running(
    log: Path, env: Mapping[str, str], step: str, run_id: str, clear_number: int = 0
) -> Iterator[ForkServerProcess]:
    """Run a step with these variables on top; whatever happens, its process is gone afterwards."""
    with _process(log, _step, (str(log), dict(env), step, run_id, clear_number)) as process:
        yield process


@contextmanager
def keeping(log: Path, env: Mapping[str, str], wanted: str) -> Iterator[ForkServerProcess]:
    """Look after the streaming job once; the same otherwise."""
    with _process(log, _keep, (str(log), dict(env), wanted)) as process:
        yield process


@contextmanager
def _process(
    log: Path, target: Callable[..., None], arguments: tuple[Any, ...]
) -> Iterator[ForkServerProcess]:
    process = multiprocessing.get_context("forkserver").Process(target=target, args=arguments)
    log.unlink(missing_ok=True)
    process.start()
    try:
        yield process
    finally:
        process.kill()
        process.join()


def _redirect(log: str, env: dict[str, str]) -> None:
    with Path(log).open("w") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    os.environ |= env


def _keep(log: str, env: dict[str, str], wanted: str) -> None:
    _redirect(log, env)
    import stream_keeper

    stream_keeper._PAUSE_S = 0.1
    stream_keeper.KeepStream(task_id="keep", wanted=wanted).execute({})


def _step(log: str, env: dict[str, str], step: str, run_id: str, clear_number: int) -> None:
    _redirect(log, env)
    import spark_task

    spark_task._POLL["Delay"] = 0.1  # type: ignore[assignment]
    task = spark_task.SparkStep(task_id=step, step=step, run_id=run_id)
    signal.signal(signal.SIGTERM, lambda *_: task.on_kill())
    task.execute({"dag_run": SimpleNamespace(clear_number=clear_number)})
