"""Steps of the batch given to spark-submit as Airflow's task does it, on a real standalone master."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import psutil
import pytest

from pipeline.database import connect
from pipeline.jobs import __file__ as package
from pipeline.settings import PostgresSettings
from tests.dags import run_step
from tests.integration.batches import INCREMENT, Batch
from tests.integration.commits import commit, valid
from tests.integration.members import add_customer, add_product
from tests.integration.samples import event
from tests.integration.standalone import HOST, Standalone, running_standalone
from tests.waiting import until

Sql = Callable[..., list[tuple]]
Task = Callable[[str], AbstractContextManager[ForkServerProcess]]
ORDERS = 40


@pytest.fixture(scope="module")
def standalone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standalone]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in run_step.prepared(tmp_path_factory.mktemp("airflow")).items():
            patch.setenv(name, value)
        with running_standalone(tmp_path_factory.mktemp("standalone")) as running:
            yield running


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "task.log"


@pytest.fixture
def env(standalone: Standalone, database: PostgresSettings, platform_env: dict[str, str]) -> dict[str, str]:
    return platform_env | {
        "ECOM_POSTGRES_DATABASE": database.database,
        "ECOM_SPARK_LAUNCHER": "submit",
        "ECOM_SPARK_MASTER": standalone.master,
        "SPARK_LOCAL_IP": HOST,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }


@pytest.fixture
def task(env: dict[str, str], log: Path) -> Task:
    return lambda step: run_step.running(log, env, step, "submitted")


@pytest.fixture
def batch(database: PostgresSettings, sql: Sql) -> Batch:
    add_customer(sql, "2026-01-01Z")
    add_product(sql, "2026-01-01Z")
    commit(database, [valid(event(number)) for number in range(ORDERS)])
    run = Batch(database, None, "submitted")  # type: ignore[arg-type] # Spark is elsewhere
    run.steps.begin(INCREMENT)
    return run


def done(process: ForkServerProcess, log: Path) -> None:
    process.join(180)
    assert process.exitcode == 0, log.read_text(encoding="utf-8")[-5_000:]


def secrets(env: dict[str, str]) -> list[str]:
    references = [value for name, value in env.items() if name.endswith("PASSWORD_REF")]
    files = [Path(reference.removeprefix("file:")) for reference in references if reference]
    return [file.read_text(encoding="utf-8").strip() for file in files if file.is_file()]


def submitted() -> list[psutil.Process]:
    """Return the processes that spark-submit started, by what is in their command lines."""
    return [found for found in psutil.process_iter() if "--run-id submitted" in words(found)]


def words(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return ""


def submit_elsewhere(standalone: Standalone, env: dict[str, str], step: str) -> None:
    """Submit a step as EMR Serverless does: its own master and jars, whatever the variables say."""
    misleading = {"ECOM_SPARK_MASTER": "local[*]", "ECOM_SPARK_JARS": "/absent.jar"}
    program = package.replace("__init__.py", "__main__.py")
    done = subprocess.run(
        ["spark-submit", "--master", standalone.master, program, step, "--run-id", "submitted"],
        env=os.environ | env | misleading | {"PYSPARK_PYTHON": sys.executable},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-5_000:]


def test_the_steps_run_on_the_master_and_stage_what_is_published(
    standalone: Standalone, env: dict[str, str], task: Task, batch: Batch, log: Path, sql: Sql
):
    before = len(standalone.state()["completedapps"])
    with task("dimensions") as process:
        done(process, log)
    submit_elsewhere(standalone, env, "facts")
    batch.publish()
    finished = standalone.state()["completedapps"][: len(standalone.state()["completedapps"]) - before]
    assert [app["state"] for app in finished] == ["FINISHED", "FINISHED"]
    assert sql("SELECT count(*), count(*) FILTER (WHERE customer_key <> 0 AND product_key <> 0)"
               " FROM curated.fact_orders") == [(ORDERS, ORDERS)]  # fmt: skip
    assert sql("SELECT count(*) FROM curated.dim_customers") == [(2,)]


def test_a_killed_task_takes_its_application_along_and_a_retry_stages_once(
    standalone: Standalone,
    task: Task,
    batch: Batch,
    database: PostgresSettings,
    platform_env: dict[str, str],
    log: Path,
    sql: Sql,
):
    def running() -> list[dict[str, Any]]:
        return [app for app in standalone.state()["activeapps"] if app["state"] == "RUNNING"]

    with closing(connect(database, "admin", "tests")) as holder:
        holder.cursor().execute("LOCK TABLE raw.customers IN ACCESS EXCLUSIVE MODE")
        waiting = "SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = %s AND wait_event_type = 'Lock'"
        with task("dimensions") as process:
            until(
                lambda: bool(running()) and sql(waiting, database.database) == [(True,)],
                "an executor waits for the table",
                log.read_text,
            )
            shown = "\n".join([*map(words, psutil.process_iter()), log.read_text(), standalone.logs()])
            process.terminate()
            process.join(60)
            assert process.exitcode == 1
        until(lambda: not standalone.state()["activeapps"], "the application is gone")
        until(lambda: not submitted(), "spark-submit is gone")
    assert len(secrets(platform_env)) >= 4
    assert not [secret for secret in secrets(platform_env) if secret in shown]
    with task("dimensions") as process:
        done(process, log)
    assert sql("SELECT count(*) FROM staging.dim_customers") == [(1,)]
    # Another run takes over, and the exit code comes through spark-submit: no retry would help.
    sql("UPDATE ops.batch_seat SET run_id = 'another'")
    with task("facts") as process:
        process.join(180)
        assert process.exitcode == 1
    lost = (
        "AirflowFailException: this run lost its place: clear it from its first task, `begin`: error: staging"
    )
    assert lost in log.read_text(encoding="utf-8")
