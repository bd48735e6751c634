"""Watch the streaming job: events not committed, age of the last commit, restarts; fail past a limit.

What it saw is published for alarms, where the platform has any.
"""

from datetime import datetime, timedelta
from typing import Any

from airflow.sdk import Param, dag, get_current_context, task

from failure_report import report_failure, report_run

LIMITS = {
    "behind": Param(500_000, type="integer", minimum=0, description="Events not committed yet."),
    "last_commit_age_s": Param(120, type="number", minimum=1, description="While events wait, in seconds."),
    "starts_last_hour": Param(3, type="integer", minimum=1, description="Starts of the job within an hour."),
}


@dag(
    schedule=timedelta(minutes=5),
    start_date=datetime(2020, 1, 1),
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(minutes=10),
    on_failure_callback=report_run,
    tags=["orders", "stream"],
    default_args={"retries": 1, "retry_delay": timedelta(seconds=30), "on_failure_callback": report_failure},
    params=LIMITS,
    doc_md=__doc__,
)
def stream_watch() -> None:
    """One task: ask, and fail with a line for each limit that is passed."""

    @task(execution_timeout=timedelta(minutes=5))
    def watch() -> dict[str, Any]:
        """Return the job's health; raise if a limit is passed."""
        from dataclasses import asdict

        from pipeline.metrics import measures, publish
        from pipeline.settings import KafkaSettings, MetricsSettings, PostgresSettings, load
        from pipeline.stream.health import Limits, problems, read_health

        params = get_current_context()["params"]
        health = read_health(load(PostgresSettings), load(KafkaSettings))
        # First, so that alarms hear what this task then fails by.
        publish(load(MetricsSettings), measures(health))
        passed = problems(health, Limits(**{name: params[name] for name in LIMITS}))
        if passed:
            raise RuntimeError("; ".join([*passed, "look: `ecom status`, `ecom logs stream`"]))
        return asdict(health)

    watch()


stream_watch()
