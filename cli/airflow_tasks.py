"""One task of a DAG run, and its log, as Airflow's REST API tells them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class TaskState:
    """Where one task of a run stands; an unmapped task has the map index -1."""

    task_id: str
    state: str
    try_number: int
    map_index: int = -1

    @property
    def name(self) -> str:
        """The task's name as a person would say it."""
        return self.task_id if self.map_index < 0 else f"{self.task_id}[{self.map_index}]"


@dataclass(frozen=True)
class FailedTask:
    """A failed task, how often it was tried, and the end of its last try's log."""

    name: str
    try_number: int
    log_tail: tuple[str, ...]


def parse_task(item: Mapping[str, Any]) -> TaskState:
    """Read one task instance as the API writes it."""
    # A task that nobody has looked at yet has no state.
    return TaskState(item["task_id"], item["state"] or "none", item["try_number"], item["map_index"])


def log_lines(item: Any) -> list[str]:
    """Return the lines of one entry of a task's log, which is text or structured."""
    if not isinstance(item, dict):
        return str(item).splitlines()
    found = str(item.get("event", "")).splitlines()
    # A traceback comes as data; its last word is what a person looks for.
    return found + [
        f"{error.get('exc_type')}: {error.get('exc_value')}" for error in item.get("error_detail") or ()
    ]
