"""What Airflow adds to a day: the DAG run's wall time over the sum of the processes that do the work.

From the moment the run is asked for to its end, in the real embedded Airflow; a job's time is that between
the two lines of its task's log that say that its process was started and has ended, so interpreter and JVM
count.
"""

import statistics
import threading
import time
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from benchmarks.lab import Lab, open_lab
from benchmarks.result import Result
from pipeline.settings import AirflowSettings, from_variables
from producer.evolve import EvolvePlan, evolve

RUNS = 3
_DAG = "daily_orders"
_ORDERS, _DAYS = 20_000, 40
_GIVE_UP_S = 900
_POLL_S = 0.5
_STARTED, _ENDED = "Running command", "Command exited"


@dataclass(frozen=True)
class _Run:
    wall_s: float
    jobs_s: float


def run() -> list[Result]:
    """Run the day several times, each after some members have changed; the median counts."""
    services = ("postgres", "airflow")
    with open_lab(services, orders=_ORDERS, days=_DAYS) as lab, closing(_client(lab)) as airflow:
        runs = [_day(lab, airflow, number) for number in range(RUNS)]
    middle = sorted(runs, key=lambda found: found.wall_s / found.jobs_s)[RUNS // 2]
    notes = {
        "DAG run s": middle.wall_s,
        "its jobs s": middle.jobs_s,
        "added s, median": round(statistics.median(found.wall_s - found.jobs_s for found in runs), 2),
    }
    return [Result("dag_overhead", "times", round(middle.wall_s / middle.jobs_s, 3), notes=notes)]


def _day(lab: Lab, airflow: httpx.Client, number: int) -> _Run:
    now = datetime.now(UTC).replace(microsecond=0)
    evolve(lab.postgres, EvolvePlan(now))
    # The first stands for the run that Airflow would start by itself once the DAG is let go.
    date = now.replace(hour=0, minute=0, second=0) - timedelta(days=1) if number == 0 else None
    body = {"logical_date": date and date.isoformat(), "conf": {"kind": "increment"}}
    run_id = _ask(airflow, "POST", f"/dags/{_DAG}/dagRuns", json=body)["dag_run_id"]
    _ask(airflow, "PATCH", f"/dags/{_DAG}", json={"is_paused": False})
    path = f"/dags/{_DAG}/dagRuns/{run_id}"
    found = _wait(airflow, path)
    wall = _moment(found["end_date"]) - _moment(found["queued_at"])
    return _Run(round(wall, 2), round(sum(_job_seconds(airflow, path)), 2))


def _wait(airflow: httpx.Client, path: str) -> dict[str, Any]:
    pause, deadline = threading.Event(), time.monotonic() + _GIVE_UP_S
    while (found := _ask(airflow, "GET", path))["state"] not in ("success", "failed"):
        if time.monotonic() > deadline:
            raise RuntimeError(f"{path} was not over within {_GIVE_UP_S} s")
        pause.wait(_POLL_S)
    if found["state"] == "failed":
        raise RuntimeError(f"{path} failed")
    return dict(found)


def _job_seconds(airflow: httpx.Client, path: str) -> list[float]:
    tasks = _ask(airflow, "GET", f"{path}/taskInstances")["task_instances"]
    spent = []
    for task in tasks:
        log = f"{path}/taskInstances/{task['task_id']}/logs/{task['try_number']}"
        lines = _ask(airflow, "GET", log, params={"full_content": True})["content"]
        when = {
            mark: _moment(line["timestamp"])
            for line in lines
            for mark in (_STARTED, _ENDED)
            if line["event"].startswith(mark)
        }
        spent.append(when[_ENDED] - when[_STARTED])
    return spent


def _client(lab: Lab) -> httpx.Client:
    """Return a client that is logged in; the DAG has been parsed."""
    settings = from_variables(AirflowSettings, lab.platform.as_env())
    who = {"username": settings.admin_user, "password": settings.admin_password()}
    token = httpx.post(f"{settings.url}/auth/token", json=who, trust_env=False).raise_for_status().json()
    headers = {"Authorization": f"Bearer {token['access_token']}", "Accept": "application/json"}
    client = httpx.Client(base_url=f"{settings.url}/api/v2", headers=headers, timeout=60, trust_env=False)
    pause, deadline = threading.Event(), time.monotonic() + _GIVE_UP_S
    while client.get(f"/dags/{_DAG}").status_code == httpx.codes.NOT_FOUND:
        if time.monotonic() > deadline:
            raise RuntimeError(f"{_DAG} was not parsed within {_GIVE_UP_S} s")
        pause.wait(_POLL_S)
    return client


def _ask(airflow: httpx.Client, method: str, path: str, **options: Any) -> Any:
    return airflow.request(method, path, **options).raise_for_status().json()


def _moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
