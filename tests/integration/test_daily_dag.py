"""The repository's own DAGs in the real Airflow: the day, a gate that says no, a backfill, the stream."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cli.airflow_api import AirflowApi, TaskState
from pipeline import dlq
from pipeline.database import connect
from pipeline.rebuild.publish import publish_from_raw
from pipeline.settings import KafkaSettings, PostgresSettings, from_variables
from pipeline.stream.dead_letters import DeadLetter, KafkaDeadLetterSink, record_in_ledger
from producer.evolve import EvolvePlan, evolve
from producer.seed import SeedPlan, seed
from tests.integration.airflow_stack import AirflowStack, running_airflow
from tests.integration.commits import commit, valid
from tests.integration.samples import RECEIVED_MS, as_bytes, event
from tests.integration.topics import Topics
from tests.waiting import until

DAGS = Path(__file__).parents[2] / "dags"
DAG = "daily_orders"
TASKS = ("begin", "dimensions", "facts", "gate", "publish", "check")
PLAN = SeedPlan(customers=100, products=20, orders=3_000, days=40)
GREEN = dict.fromkeys(TASKS, "success")
pytestmark = pytest.mark.timeout(1_200)


@pytest.fixture(scope="module")
def stack() -> Iterator[AirflowStack]:
    with running_airflow(DAGS, "kafka") as running:
        yield running


@pytest.fixture(scope="module")
def warehouse(stack: AirflowStack) -> PostgresSettings:
    settings = from_variables(PostgresSettings, stack.platform.as_env())
    seed(settings, PLAN)
    publish_from_raw(settings)
    return settings


@pytest.fixture
def api(stack: AirflowStack) -> Iterator[AirflowApi]:
    with AirflowApi(stack.settings, patience_s=60) as session:
        yield session


def rows(settings: PostgresSettings, statement: str, *values: Any) -> list[tuple[Any, ...]]:
    with closing(connect(settings, "admin", "tests")) as connection, connection:
        cursor = connection.cursor()
        cursor.execute(statement, values or None)
        return cursor.fetchall() if cursor.description else []


def curated(settings: PostgresSettings) -> list[list[tuple[Any, ...]]]:
    names = ("dim_customers", "dim_products", "fact_orders")
    return [sorted(rows(settings, f"SELECT t::text FROM curated.{name} AS t")) for name in names]


def run_day(api: AirflowApi) -> tuple[str, str]:
    """Run the DAG as `ecom demo` does: in the place of the run that Airflow would start by itself."""
    api.wait_for_dag(DAG)
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    run_id = api.trigger(DAG, today - timedelta(days=1), {"kind": "increment"})
    api.unpause(DAG)
    return run_id, api.wait(DAG, run_id, timeout_s=600)


def states(api: AirflowApi, run_id: str) -> dict[str, str]:
    return {task.task_id: task.state for task in api.tasks(DAG, run_id)}


def test_the_gate_says_no_and_after_the_fix_the_same_run_goes_through(
    stack: AirflowStack, warehouse: PostgresSettings, api: AirflowApi
):
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    rows(warehouse, "CREATE TABLE public.kept AS SELECT * FROM raw.orders WHERE ordered_at >= %s", yesterday)
    rows(warehouse, "DELETE FROM raw.orders WHERE ordered_at >= %s", yesterday)
    rows(warehouse, "DELETE FROM curated.fact_orders WHERE ordered_at >= %s", yesterday)
    evolve(warehouse, EvolvePlan(datetime.now(UTC).replace(microsecond=0), customers=0.3, products=0.3))
    before = curated(warehouse)

    run_id, state = run_day(api)
    assert state == "failed"
    assert states(api, run_id) == GREEN | {
        "gate": "failed",
        "publish": "upstream_failed",
        "check": "upstream_failed",
    }
    assert curated(warehouse) == before
    failed = "SELECT check_name FROM ops.quality_results WHERE outcome = 'failed' ORDER BY 1"
    assert ("fact_orders_fresh",) in rows(warehouse, failed)
    (gate,) = api.failed_tasks(DAG, run_id, lines=60)
    said = "\n".join(gate.log_tail)
    assert gate.try_number == 1  # no retry can mend data
    for words in ("FAILED daily_orders.gate", "fact_orders_fresh", f"ecom quality show {DAG}.{run_id}"):
        assert words in said

    columns = "event_id, event_type, event_time, schema_version, order_id, order_version, ordered_at,"
    columns += " customer_id, product_id, quantity, unit_price, currency, status, source"
    rows(warehouse, f"INSERT INTO raw.orders ({columns}) SELECT {columns} FROM public.kept")
    clear(api, DAG, run_id)
    assert api.wait(DAG, run_id, timeout_s=600) == "success"
    assert states(api, run_id) == GREEN
    assert rows(warehouse, "SELECT kind FROM ops.publications ORDER BY publication_id") == [
        ("rebuild",),
        ("increment",),
    ]
    versions = "SELECT count(*) > 100 FROM curated.dim_customers"
    assert rows(warehouse, versions) == [(True,)]
    facts = "SELECT count(DISTINCT order_id) FROM {}"
    assert rows(warehouse, facts.format("curated.fact_orders")) == rows(warehouse, facts.format("raw.orders"))


def clear(api: AirflowApi, dag_id: str, run_id: str) -> None:
    """Have all tasks of a run done again, at once."""
    wish = {"dry_run": False, "dag_run_id": run_id, "only_failed": False, "reset_dag_runs": True}
    api._http.request("POST", f"/dags/{dag_id}/clearTaskInstances", json=wish)


@pytest.mark.faults
def test_a_backfill_of_two_days_gives_the_same_tables(
    stack: AirflowStack, warehouse: PostgresSettings, api: AirflowApi
):
    # A paused DAG backfills nothing, and one that is not starts its own run of the day first.
    if not api._http.request("GET", f"/dags/{DAG}/dagRuns")["dag_runs"]:
        assert run_day(api)[1] == "success"
    wanted = curated(warehouse)
    last = datetime.now(UTC).date() - timedelta(days=3)
    first = last - timedelta(days=1)
    wrong = "UPDATE curated.fact_orders SET quantity = quantity + 1 WHERE order_date BETWEEN %s AND %s"
    rows(warehouse, wrong, first, last)
    assert curated(warehouse) != wanted
    backfill(stack, first, last)
    assert finished(api, count=2) == ["success", "success"]
    assert curated(warehouse) == wanted
    kinds = "SELECT from_day, until_day FROM ops.batch_runs WHERE kind = 'backfill' ORDER BY 1"
    day = timedelta(days=1)
    assert rows(warehouse, kinds) == [(first, first + day), (last, last + day)]


def backfill(stack: AirflowStack, first: date, last: date) -> None:
    command = [sys.executable, "-m", "airflow", "backfill", "create", "--dag-id", DAG]
    days = ["--from-date", str(first), "--to-date", str(last), "--max-active-runs", "2"]
    env = os.environ | stack.platform.as_env() | {"AIRFLOW_HOME": str(stack.home.root / "airflow")}
    env = {name: value for name, value in env.items() if not name.startswith("AIRFLOW__")}
    done = subprocess.run([*command, *days], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]


def finished(api: AirflowApi, count: int) -> list[str]:
    """Wait for the backfill's runs and return their states."""
    states: list[str] = []

    def over() -> bool:
        answer = api._http.request("GET", f"/dags/{DAG}/dagRuns", params={"run_type": "backfill"})
        states[:] = [run["state"] for run in answer["dag_runs"]]
        return len(states) == count and set(states) <= {"success", "failed"}

    until(over, f"{count} runs of the backfill are over", lambda: str(states), timeout_s=900, poll_s=1)
    return states


@pytest.fixture
def kafka(stack: AirflowStack) -> KafkaSettings:
    return from_variables(KafkaSettings, stack.platform.as_env())


@pytest.fixture
def topics(kafka: KafkaSettings) -> Iterator[Topics]:
    with Topics(kafka) as made:
        yield made


def first_failure(api: AirflowApi, dag_id: str, run_id: str) -> str:
    """Wait until the run's only task has failed once, and return the end of its log; its retry is to come."""
    found: list[TaskState] = []

    def failed() -> bool:
        found[:] = api.tasks(dag_id, run_id)
        assert [task.state for task in found] != ["success"]
        return [task.state for task in found] == ["up_for_retry"]

    until(failed, f"{dag_id} has failed once", lambda: str(found), poll_s=0.5)
    return "\n".join(api.log_tail(dag_id, run_id, found[0], lines=60))


def test_the_watch_says_that_nothing_reads_the_orders_and_is_content_once_something_does(
    warehouse: PostgresSettings, kafka: KafkaSettings, topics: Topics, api: AirflowApi
):
    topics.send(kafka.orders_topic, [(None, as_bytes(event(1)))])

    def runs() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = api._http.request("GET", "/dags/stream_watch/dagRuns")["dag_runs"]
        return found

    api.unpause("stream_watch")
    until(lambda: bool(runs()), "the schedule starts a run")
    run_id = runs()[0]["dag_run_id"]
    said = first_failure(api, "stream_watch", run_id)
    assert (
        "1 events wait and it never committed (limit 120 s); look: `ecom status`, `ecom logs stream`" in said
    )
    commit(warehouse, [valid(event(1))])
    clear(api, "stream_watch", run_id)
    assert api.wait("stream_watch", run_id, timeout_s=120) == "success"
    (task,) = api.tasks("stream_watch", run_id)
    assert task.try_number > 1


def test_a_replay_says_that_there_is_no_queue_and_sends_once_there_is_one(
    warehouse: PostgresSettings, kafka: KafkaSettings, topics: Topics, api: AirflowApi
):
    letter = DeadLetter("orders/0/0", RECEIVED_MS, "malformed_json", "", 1, None, b"{")
    with closing(connect(warehouse, "ingest", "tests")) as connection, connection:
        record_in_ledger(connection.cursor(), [letter], [])
    topics.delete(kafka.dlq_topic)
    api.unpause("dlq_replay")
    run_id = api.trigger("dlq_replay", conf={"reason": "malformed_json"})
    said = first_failure(api, "dlq_replay", run_id)
    assert f"topic {kafka.dlq_topic} does not exist on {kafka.bootstrap_servers}" in said
    topics.recreate(kafka.dlq_topic)
    KafkaDeadLetterSink(kafka).send([letter])
    clear(api, "dlq_replay", run_id)
    assert api.wait("dlq_replay", run_id, timeout_s=120) == "success"
    (sent,) = [record for record in topics.read(kafka.orders_topic) if record.value == letter.value]
    assert dict(sent.headers)["ecom-origin"] == letter.origin.encode()
    with closing(connect(warehouse, "ingest", "tests")) as connection:
        assert [entry.origin for entry in dlq.entries(connection, "replayed")] == [letter.origin]
