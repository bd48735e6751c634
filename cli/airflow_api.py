"""What `ecom` asks of Airflow over its REST API: run a DAG, follow its tasks, and say what failed."""

import secrets
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Any
from urllib.parse import quote

from cli.airflow_http import AirflowHttp, AirflowRefused, AirflowUnavailable
from cli.airflow_tasks import FailedTask, TaskState, log_lines, parse_task
from pipeline.settings import AirflowSettings

__all__ = ["AirflowApi", "AirflowRefused", "AirflowUnavailable", "FailedTask", "RunTimeout", "TaskState"]

_NOT_FOUND, _CONFLICT = 404, 409
_OVER = ("success", "failed")
_POLL_S = 1.0
_PAGE = 100


class RunTimeout(TimeoutError):
    """A DAG run was not over in time; the message names the tasks that were not done."""


class AirflowApi:
    """A session with one Airflow; use it in a `with` block.

    Every method may raise AirflowUnavailable (no answer within `patience_s`) or AirflowRefused.
    """

    def __init__(self, settings: AirflowSettings, patience_s: float = 60.0) -> None:
        """Prepare the session; nothing is sent yet."""
        self._http = AirflowHttp(settings, patience_s)
        self._patience_s = patience_s
        self._pause = threading.Event()

    def __enter__(self) -> "AirflowApi":
        """Return the session."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connections."""
        self._http.close()

    def unpause(self, dag_id: str) -> None:
        """Let the DAG run; wait for it as long as the patience lasts, if it has not been parsed yet."""
        self._once_parsed("PATCH", dag_id, json={"is_paused": False})

    def wait_for_dag(self, dag_id: str) -> None:
        """Wait until the DAG has been parsed, as long as the patience lasts."""
        self._once_parsed("GET", dag_id)

    def _once_parsed(self, method: str, dag_id: str, **request: Any) -> None:
        deadline = time.monotonic() + self._patience_s
        while True:
            try:
                self._http.request(method, _dag(dag_id), **request)
                return
            except AirflowRefused as error:
                if error.status != _NOT_FOUND or time.monotonic() > deadline:
                    raise self._explained(error) from None
            self._pause.wait(_POLL_S)

    def trigger(
        self, dag_id: str, logical_date: datetime | None = None, conf: Mapping[str, Any] | None = None
    ) -> str:
        """Start one run of a DAG and return its id; repeating the request never starts a second one."""
        run_id = f"ecom__{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}__{secrets.token_hex(4)}"
        date = logical_date.isoformat() if logical_date else None
        body = {"dag_run_id": run_id, "logical_date": date, "conf": dict(conf or {})}
        try:
            self._http.request("POST", f"{_dag(dag_id)}/dagRuns", json=body)
        except AirflowRefused as error:
            # An answer may be lost after the request was carried out; then the repetition is refused.
            if error.status != _CONFLICT or not self._exists(dag_id, run_id):
                raise
        return run_id

    def wait(
        self,
        dag_id: str,
        run_id: str,
        watch: Callable[[TaskState], None] = lambda _: None,
        timeout_s: float = 900.0,
    ) -> str:
        """Wait until the run is over and return `success` or `failed`; tell `watch` each change of a task."""
        deadline = time.monotonic() + timeout_s
        seen: set[TaskState] = set()
        while True:
            # Asked for before the tasks, so that their last states are seen when the run is over.
            state = str(self._http.request("GET", _run(dag_id, run_id))["state"])
            tasks = self.tasks(dag_id, run_id)
            for task in tasks:
                if task not in seen:
                    watch(task)
            seen.update(tasks)
            if state in _OVER:
                return state
            if time.monotonic() > deadline:
                raise RunTimeout(_unfinished(dag_id, run_id, timeout_s, tasks))
            self._pause.wait(_POLL_S)

    def tasks(self, dag_id: str, run_id: str) -> list[TaskState]:
        """Return the run's tasks as they stand."""
        found: list[TaskState] = []
        while True:
            page = {"limit": _PAGE, "offset": len(found), "order_by": "id"}
            answer = self._http.request("GET", f"{_run(dag_id, run_id)}/taskInstances", params=page)
            found += [parse_task(item) for item in answer["task_instances"]]
            if len(found) >= answer["total_entries"] or not answer["task_instances"]:
                return found

    def failed_tasks(self, dag_id: str, run_id: str, lines: int = 20) -> list[FailedTask]:
        """Return the tasks that failed, not those that waited for one of them, each with its log's end."""
        return [
            FailedTask(task.name, task.try_number, self.log_tail(dag_id, run_id, task, lines))
            for task in self.tasks(dag_id, run_id)
            if task.state == "failed"
        ]

    def log_tail(self, dag_id: str, run_id: str, task: TaskState, lines: int = 20) -> tuple[str, ...]:
        """Return the last lines of the log of a task's last try."""
        path = f"{_run(dag_id, run_id)}/taskInstances/{quote(task.task_id, safe='')}/logs/{task.try_number}"
        question = {"map_index": task.map_index, "full_content": True}
        content = self._http.request("GET", path, params=question, headers={"Accept": "application/json"})[
            "content"
        ]
        return tuple(line for item in content for line in log_lines(item))[-lines:]

    def _exists(self, dag_id: str, run_id: str) -> bool:
        try:
            self._http.request("GET", _run(dag_id, run_id))
        except AirflowRefused:
            return False
        return True

    def _explained(self, refusal: AirflowRefused) -> AirflowRefused:
        if refusal.status != _NOT_FOUND:
            return refusal
        errors = self._http.request("GET", "/importErrors", params={"limit": 1})["import_errors"]
        if not errors:
            return refusal
        cause = errors[0]["stack_trace"].strip().splitlines()[-1]
        return AirflowRefused(
            f"{refusal}; {errors[0]['filename']} can't be imported: {cause}", refusal.status
        )


def _dag(dag_id: str) -> str:
    return f"/dags/{quote(dag_id, safe='')}"


def _run(dag_id: str, run_id: str) -> str:
    return f"{_dag(dag_id)}/dagRuns/{quote(run_id, safe='')}"


def _unfinished(dag_id: str, run_id: str, timeout_s: float, tasks: list[TaskState]) -> str:
    waiting = ", ".join(f"{task.name} {task.state}" for task in tasks if task.state != "success")
    return f"{dag_id} run {run_id} was not over within {timeout_s:.0f} s: {waiting or 'no task yet'}"
