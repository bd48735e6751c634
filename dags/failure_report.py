"""What a failed task or run leaves in its log: what failed, which rows, and how to look."""

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow.sdk import Context

log = logging.getLogger(__name__)


def report_failure(context: "Context") -> None:
    """Log the failure of a task after its last try; the callback of every task."""
    task = context["ti"]
    error = str(context.get("exception") or "no message")
    log.error("FAILED %s.%s in %s, try %s", task.dag_id, task.task_id, task.run_id, task.try_number)
    log.error("why: %s", error.splitlines()[0] if error else error)
    run_id = getattr(context["task"], "run_id", "")
    _tell_alarms()
    for line in _failed_checks(run_id) if run_id else ():
        log.error("%s", line)
    log.error("look: %s", task.log_url)
    if run_id:
        log.error("look: `ecom quality show %s`, `ecom batch show %s`", run_id, run_id)


def report_run(context: "Context") -> None:
    """Count a run that failed as a whole; the callback of every DAG.

    A run that took too long has no task that failed: Airflow skips those that are left, and calls the DAG
    alone. Where a task failed too the run counts as a second failure, which rings no louder.
    """
    log.error("FAILED %s: %s", context.get("run_id"), context.get("reason") or "see its tasks")
    _tell_alarms()


def _tell_alarms() -> None:
    """Count the failure where alarms hear it; a report must come to its end without them."""
    try:
        from pipeline.metrics import TASKS_FAILED, publish
        from pipeline.settings import MetricsSettings, load

        publish(load(MetricsSettings), {TASKS_FAILED: 1.0})
    except Exception as error:
        log.error("no alarm will ring: %s", error)


def _failed_checks(run_id: str) -> list[str]:
    """Return a line for each check of the run that failed, with sample rows."""
    # Not at import: the DAG processor reads this file again and again.
    from pipeline.quality.results import failed_lines

    return failed_lines(run_id)
