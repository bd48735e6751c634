"""The repository's own DAGs in the real Airflow: the day, a gate that says no, a backfill."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cli.airflow_api import AirflowApi
from pipeline.database import connect
from pipeline.rebuild.publish import publish_from_raw
from pipeline.settings import PostgresSettings, from_variables
from producer.evolve import EvolvePlan, evolve
from producer.seed import SeedPlan, seed
from tests.integration.airflow_stack import AirflowStack, running_airflow

DAGS = Path(__file__).parents[2] / "dags"
DAG = "daily_orders"
TASKS = ("begin", "dimensions", "facts", "gate", "publish", "check")
PLAN = SeedPlan(customers=100, products=20, orders=3_000, days=40)
GREEN = dict.fromkeys(TASKS, "success")
pytestmark = pytest.mark.timeout(1_200)


@pytest.fixture(scope="module")
def stack() -> Iterator[AirflowStack]:
    with running_airflow(DAGS) as running:
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
    clear = {"dry_run": False, "dag_run_id": run_id, "only_failed": False, "reset_dag_runs": True}
    api._http.request("POST", f"/dags/{DAG}/clearTaskInstances", json=clear)
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


def test_a_backfill_of_two_days_gives_the_same_tables(
    stack: AirflowStack, warehouse: PostgresSettings, api: AirflowApi
):
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
    deadline = time.monotonic() + 900
    while True:
        answer = api._http.request("GET", f"/dags/{DAG}/dagRuns", params={"run_type": "backfill"})
        found = [run["state"] for run in answer["dag_runs"]]
        if len(found) == count and set(found) <= {"success", "failed"}:
            return found
        assert time.monotonic() < deadline, found
        time.sleep(1)  # a poll of the runs
