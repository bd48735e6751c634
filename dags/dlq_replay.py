"""Send messages of the dead-letter queue in again, on demand, after their cause is mended.

Each keeps its origin: it counts once however often it is replayed, and leaves the queue when it is accepted.
"""

from datetime import datetime, timedelta
from typing import Any

from airflow.sdk import Param, dag, get_current_context, task

from failure_report import report_failure, report_run

PARAMS = {
    "reason": Param(None, type=["null", "string"], description="Only this reason, e.g. invalid_field."),
    "limit": Param(1_000, type="integer", minimum=1, maximum=100_000, description="At most this many."),
}


@dag(
    schedule=None,
    start_date=datetime(2020, 1, 1),
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=1),
    on_failure_callback=report_run,
    tags=["orders", "stream"],
    default_args={"retries": 2, "retry_delay": timedelta(seconds=30), "on_failure_callback": report_failure},
    params=PARAMS,
    doc_md=__doc__,
)
def dlq_replay() -> None:
    """One task; a retry sends again what is still open, which changes nothing that was accepted."""

    @task(execution_timeout=timedelta(minutes=30))
    def replay() -> dict[str, Any]:
        """Return how many messages were sent and which origins the topic no longer holds."""
        from contextlib import closing

        from pipeline import dlq
        from pipeline.database import connect_patiently
        from pipeline.settings import KafkaSettings, PostgresSettings, load

        params = get_current_context()["params"]
        with closing(connect_patiently(load(PostgresSettings), "ingest", "ecom-dlq")) as connection:
            found = dlq.entries(connection, "open", params["reason"], params["limit"])
            done = dlq.replay(connection, load(KafkaSettings), [entry.origin for entry in found])
        return {"replayed": len(done.sent), "not_found": done.absent, "too_large": done.too_large}

    replay()


dlq_replay()
