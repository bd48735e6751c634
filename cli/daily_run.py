"""Run the daily DAG through Airflow, and show each task as it goes."""

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

from rich.console import Console
from rich.live import Live
from rich.table import Table

from cli.airflow_api import AirflowApi, AirflowRefused, FailedTask, TaskState
from pipeline.settings import AirflowSettings, load

DAG_ID = "daily_orders"
_STYLES = {"success": "green", "failed": "red", "upstream_failed": "red", "running": "cyan"}
_OVER = ("success", "failed", "upstream_failed", "skipped", "removed")


@dataclass
class DailyRun:
    """A run of the DAG: its tasks in the order in which they began, with seconds, and how it ended."""

    run_id: str
    state: str = "queued"
    tasks: dict[str, TaskState] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    failed: list[FailedTask] = field(default_factory=list)
    _began: dict[str, float] = field(default_factory=dict)

    @property
    def good(self) -> bool:
        """Whether every task succeeded."""
        return self.state == "success"

    def see(self, task: TaskState) -> None:
        """Take note of a task's new state."""
        now = time.monotonic()
        if task.state == "running":
            self._began.setdefault(task.name, now)
        elif task.state in _OVER and task.name in self._began:
            self.seconds[task.name] = now - self._began[task.name]
        self.tasks[task.name] = task

    def table(self) -> Table:
        """Return the tasks for a terminal."""
        table = Table(
            "task", "state", "tries", "seconds", title=f"{DAG_ID}: {self.state}", title_justify="left"
        )
        for name in sorted(self.tasks, key=lambda name: self._began.get(name, float("inf"))):
            task, spent = self.tasks[name], self.seconds.get(name)
            style = _STYLES.get(task.state, "")
            seconds = "" if spent is None else f"{spent:.1f}"
            table.add_row(name, task.state, str(task.try_number), seconds, style=style)
        return table


def run_daily(console: Console) -> DailyRun:
    """Run the DAG over everything new and wait for it: a table in a terminal, a line per change elsewhere.

    Raises AirflowUnavailable, AirflowRefused or RunTimeout.
    """
    with AirflowApi(load(AirflowSettings)) as api:
        api.wait_for_dag(DAG_ID)
        # Before the DAG is let go: Airflow would start the day's run by itself, and this one stands for it.
        run = DailyRun(_trigger(api))
        api.unpause(DAG_ID)
        with Live(run.table(), console=console, transient=True, auto_refresh=console.is_terminal) as live:

            def watch(task: TaskState) -> None:
                run.see(task)
                live.update(run.table())
                if not console.is_terminal and task.state != "none":
                    console.print(f"{DAG_ID}.{task.name}: {task.state}", highlight=False)

            run.state = api.wait(DAG_ID, run.run_id, watch)
        if not run.good:
            run.failed = api.failed_tasks(DAG_ID, run.run_id)
    return run


def _trigger(api: AirflowApi) -> str:
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    conf = {"kind": "increment"}
    try:
        return api.trigger(DAG_ID, today - timedelta(days=1), conf)
    except AirflowRefused as error:
        if error.status != HTTPStatus.CONFLICT:
            raise
        return api.trigger(DAG_ID, None, conf)  # the day has had its run


def print_failures(console: Console, run: DailyRun) -> None:
    """Show each failed task with the end of its log."""
    for task in run.failed:
        console.print(f"[red]{task.name}[/] failed, try {task.try_number}; the end of its log:")
        for line in task.log_tail:
            console.print(f"  {line}", highlight=False, markup=False)
