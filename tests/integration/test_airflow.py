"""The real Airflow of the embedded environment: health, tasks over REST, secrets, kills."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import psycopg2
import pytest
from typer.testing import CliRunner

from cli import main
from cli.airflow_api import AirflowApi, AirflowRefused, AirflowUnavailable, RunTimeout, TaskState
from environments import embedded
from environments.embedded import process
from environments.embedded.airflow_health import health
from environments.embedded.airflow_metadata import LOG, MetadataCleaning
from environments.embedded.ports import any_free
from tests.integration.airflow_stack import USUAL_PORT, AirflowStack, running_airflow
from tests.process_texts import HIDDEN, process_texts

COMPONENTS = ("metadatabase", "scheduler", "triggerer", "dag_processor")
ONE_DAY = datetime(2026, 1, 31, tzinfo=UTC)


@pytest.fixture(scope="module")
def stack() -> Iterator[AirflowStack]:
    with running_airflow() as running:
        yield running


@pytest.fixture
def api(stack: AirflowStack) -> Iterator[AirflowApi]:
    with AirflowApi(stack.settings, patience_s=60) as session:
        yield session


def run_dag(api: AirflowApi, dag_id: str, **options) -> tuple[str, str, list[TaskState]]:
    api.unpause(dag_id)
    seen: list[TaskState] = []
    run_id = api.trigger(dag_id, **options)
    return run_id, api.wait(dag_id, run_id, seen.append, timeout_s=180), seen


def ecom(stack: AirflowStack, *arguments: str) -> str:
    answer = CliRunner().invoke(main.app, list(arguments), env={"ECOM_HOME": str(stack.home.root)})
    assert answer.exit_code == 0, answer.output
    return answer.output


def test_all_four_are_healthy_on_another_port_than_the_taken_one(stack: AirflowStack):
    port = stack.state.ports["airflow"]
    assert port != USUAL_PORT
    assert stack.platform.airflow.url == f"http://127.0.0.1:{port}"
    found = health(port)
    assert {name: found[name]["status"] for name in COMPONENTS} == dict.fromkeys(COMPONENTS, "healthy")
    assert stack.state.healthy
    assert list(stack.state.services) == [
        "postgres", "airflow-api", "airflow-scheduler", "airflow-dag-processor", "airflow-triggerer",
    ]  # fmt: skip


def test_a_run_of_two_tasks_goes_green_and_its_states_are_told(api: AirflowApi):
    run_id, state, seen = run_dag(api, "two_tasks", conf={"greeting": "hello"}, logical_date=ONE_DAY)
    assert state == "success"
    last = {task.task_id: task for task in seen}
    assert {name: task.state for name, task in last.items()} == {"first": "success", "second": "success"}
    assert len(seen) == len(set(seen)) > 2  # changes only, and some before the end
    said = "\n".join(api.log_tail("two_tasks", run_id, last["second"], lines=50))
    assert "first said: 2026-01-31 00:00:00+00:00 hello 127.0.0.1" in said
    with pytest.raises(AirflowRefused, match="HTTP 409"):
        api.trigger("two_tasks", logical_date=ONE_DAY)


def test_a_failed_task_is_told_with_the_end_of_its_log(api: AirflowApi):
    run_id, state, _ = run_dag(api, "one_fails")
    assert state == "failed"
    assert {task.task_id: task.state for task in api.tasks("one_fails", run_id)} == {
        "fails": "failed",
        "second": "upstream_failed",
    }
    (failed,) = api.failed_tasks("one_fails", run_id)
    assert (failed.name, failed.try_number) == ("fails", 1)
    assert "ValueError: seven rows are wrong" in failed.log_tail


def test_a_run_that_takes_too_long_names_its_tasks_and_no_process_shows_a_secret(
    stack: AirflowStack, api: AirflowApi, tmp_path: Path
):
    until = tmp_path / "go"
    api.unpause("one_waits")
    run_id = api.trigger("one_waits", conf={"until": str(until)})
    until_running(api, "one_waits", run_id)
    with pytest.raises(RunTimeout, match=r"was not over within 0 s: waits running"):
        api.wait("one_waits", run_id, timeout_s=0)
    shown = process_texts(stack.processes())
    until.touch()
    assert api.wait("one_waits", run_id, timeout_s=120) == "success"
    # Four services, the triggerer's runner, two workers, the task: those that change their titles too.
    assert len(shown) >= 8
    hidden = [text for text in shown if HIDDEN in text]
    assert all(f"AIRFLOW_HOME={stack.home.root}" in text for text in shown if text not in hidden)
    # The task and each worker that has run one.
    assert not hidden if os.geteuid() == 0 else len(hidden) >= 2
    assert {"airflow api_server", "airflow worker"} <= {" ".join(text.split()[:2]) for text in shown}
    for name, secret in stack.secrets().items():
        assert not [text for text in shown if secret in text], name


def metadata(stack: AirflowStack) -> psycopg2.extensions.connection:
    server = stack.platform.postgres
    return psycopg2.connect(
        host=server.host,
        port=server.port,
        dbname="airflow",
        user=server.admin_user,
        password=stack.secrets()["admin"],
    )


def airflow_env(home: embedded.Home) -> dict[str, str]:
    return {"AIRFLOW_HOME": str(home.root / "airflow")}


def until_running(api: AirflowApi, dag_id: str, run_id: str) -> None:
    pause = threading.Event()
    for _ in range(600):
        if any(task.state == "running" for task in api.tasks(dag_id, run_id)):
            return
        pause.wait(0.2)
    pytest.fail(f"no task of {dag_id} was running within two minutes")


def test_no_secret_is_in_a_log_or_a_file_that_is_not_its_own(stack: AirflowStack):
    files = [path for path in (stack.home.root / "airflow").rglob("*") if path.is_file()]
    files += [*stack.home.logs.iterdir(), stack.home.state_file, stack.home.env_file]
    assert len(files) > 10
    allowed = {"airflow_admin": ["passwords.json"]}  # in which Airflow looks it up
    for name, secret in stack.secrets().items():
        holders = [path.name for path in files if secret in path.read_text(errors="replace")]
        assert holders == allowed.get(name, []), name
    private = [*stack.home.secrets.iterdir(), stack.home.root / "airflow" / "passwords.json"]
    assert {path.stat().st_mode & 0o777 for path in private} == {0o600}


def connections(found: psutil.Process) -> list[Any]:
    """Return a process's connections; those of a worker that has run a task are for root alone."""
    try:
        return list(found.net_connections("inet"))
    except psutil.AccessDenied:
        assert os.geteuid() != 0
        return []


def test_nothing_listens_beyond_this_machine(stack: AirflowStack):
    listening = [
        connection.laddr
        for found in stack.processes()
        for connection in connections(found)
        if connection.status == psutil.CONN_LISTEN
    ]
    assert {address.ip for address in listening} == {"127.0.0.1"}
    assert {address.port for address in listening} == {stack.state.ports["airflow"]}


@pytest.mark.parametrize("database", ["ecom", "postgres", "template1"])
def test_airflows_role_may_connect_to_its_own_database_only(stack: AirflowStack, database: str):
    server, password = stack.platform.postgres, stack.secrets()["airflow_database"]

    def log_in(name: str):
        return psycopg2.connect(
            host=server.host, port=server.port, dbname=name, user="airflow", password=password
        )

    log_in("airflow").close()
    with pytest.raises(psycopg2.OperationalError, match=r"pg_hba\.conf rejects"):
        log_in(database)


def test_the_metadata_hold_nothing_of_airflows_examples(stack: AirflowStack):
    with closing(metadata(stack)) as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT array_agg(DISTINCT fileloc), (SELECT count(*) FROM connection) FROM dag")
        files, connections = cursor.fetchone() or ([], 0)
    assert [Path(name).name for name in files] == ["small.py"]
    assert connections == 0


def test_a_wrong_password_is_told_in_a_line(stack: AirflowStack, tmp_path: Path):
    (tmp_path / "wrong").write_text("not-the-password")
    wrong = stack.settings.model_copy(update={"admin_password_ref": f"file:{tmp_path}/wrong"})
    with AirflowApi(wrong) as api, pytest.raises(AirflowRefused, match="refuses to log in 'admin'") as told:
        api.trigger("two_tasks")
    assert "\n" not in str(told.value)
    assert "not-the-password" not in str(told.value)


def test_a_server_that_is_away_and_a_dag_that_is_not_there_are_told_in_a_line(stack: AirflowStack):
    away = stack.settings.model_copy(update={"url": f"http://127.0.0.1:{any_free()}"})
    with AirflowApi(away, patience_s=1) as api, pytest.raises(AirflowUnavailable) as told:
        api.unpause("two_tasks")
    assert str(told.value).startswith(f"Airflow at {away.url} is not available: ")
    assert "\n" not in str(told.value)
    with (
        AirflowApi(stack.settings, patience_s=1) as api,
        pytest.raises(AirflowRefused, match=r"HTTP 404.*nowhere") as refused,
    ):
        api.unpause("nowhere")
    assert "\n" not in str(refused.value)


def test_status_and_env_say_where_airflow_is_and_never_the_password(stack: AirflowStack):
    shown = ecom(stack, "status") + ecom(stack, "status", "--json") + ecom(stack, "env")
    assert stack.platform.airflow.url in shown
    assert "airflow-dag-processor" in shown
    assert f"port {USUAL_PORT} was taken: airflow is on {stack.state.ports['airflow']}" in " ".join(
        shown.split()
    )
    assert f"ECOM_AIRFLOW_ADMIN_PASSWORD_REF=file:{stack.home.secrets}/airflow_admin" in shown
    assert stack.secrets()["airflow_admin"] not in shown
    assert "Starting the scheduler" in ecom(stack, "logs", "airflow-scheduler", "-n", "1000")


def test_old_metadata_go_once_a_day_and_the_latest_scheduled_run_stays(stack: AirflowStack, api: AirflowApi):
    api.unpause("two_tasks")
    old, recent = (run_dag(api, "two_tasks")[0] for _ in range(2))
    with closing(metadata(stack)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(
            "UPDATE dag_run SET start_date = now() - interval '91 days',"
            " run_after = now() - interval '91 days',"
            " run_type = CASE dag_id WHEN 'one_fails' THEN 'scheduled' ELSE run_type END"
            " WHERE run_id = %s OR dag_id = 'one_fails'",
            (old,),
        )
    home = stack.home
    cleaning = MetadataCleaning(home, 90, stack.platform.as_env() | airflow_env(home), ("AIRFLOW__",))
    assert cleaning.marker.exists()  # the supervisor's own, which is not due today
    cleaning("tests")
    assert not cleaning.started
    two_days_ago = time.time() - 2 * 86_400
    os.utime(cleaning.marker, (two_days_ago, two_days_ago))
    cleaning("tests")
    assert [process.wait(180) for process in cleaning.started] == [0], home.log(LOG).read_text()
    cleaning("tests")
    assert len(cleaning.started) == 1
    with closing(metadata(stack)) as connection, connection, connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT run_id FROM task_instance WHERE dag_id = 'two_tasks'")
        kept = {name for (name,) in cursor.fetchall()}
        cursor.execute("SELECT count(*) FROM dag_run WHERE dag_id = 'one_fails'")
        assert cursor.fetchone() == (1,)
        cursor.execute("SELECT count(*) FROM pg_tables WHERE tablename LIKE '_airflow_deleted%'")
        assert cursor.fetchone() == (0,)
    assert old not in kept
    assert recent in kept
    assert run_dag(api, "two_tasks")[1] == "success"


def test_a_killed_scheduler_is_restarted_and_runs_tasks_again(stack: AirflowStack, api: AirflowApi):
    workers = process.members(stack.home, "airflow-scheduler")
    killed, moment = embedded.send(stack.home, "airflow-scheduler"), datetime.now(UTC)
    unit = embedded.wait_ready(stack.home, "airflow-scheduler", not_as=killed)
    assert unit.restarts == 1
    assert not [worker for worker in workers if worker.is_running()]
    found = health(stack.state.ports["airflow"])["scheduler"]
    assert found["status"] == "healthy"
    assert datetime.fromisoformat(found["latest_scheduler_heartbeat"]) > moment
    assert run_dag(api, "two_tasks")[1] == "success"


def test_after_the_supervisors_death_a_stop_finds_all_of_airflow(stack: AirflowStack):
    # The last one: the module's Airflow is gone afterwards.
    left = psutil.Process(stack.state.supervisor.pid).children(recursive=True)
    assert len(left) > 8
    assert stack.state.supervisor.send(signal.SIGKILL)
    embedded.stop(stack.home)
    assert not [found for found in left if found.is_running()]
    assert process.members(stack.home) == []
