"""Keep the streaming job running where EMR Serverless runs it; elsewhere its supervisor does, and this skips.

Every five minutes: start it if it does not run, and put the new one in the place of the old after an upgrade,
from the same checkpoint. To stop it, pause this DAG and start a run with `wanted` = `stopped`.
"""

from datetime import datetime, timedelta

from airflow.sdk import DAG, Param

from failure_report import report_failure, report_run
from stream_keeper import KeepStream

with DAG(
    "stream_job",
    schedule=timedelta(minutes=5),
    start_date=datetime(2020, 1, 1),
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=1),
    on_failure_callback=report_run,
    tags=["orders", "stream"],
    default_args={"retries": 0, "on_failure_callback": report_failure},
    params={
        "wanted": Param(
            "running", enum=["running", "stopped"], description="What the job should be afterwards."
        )
    },
    doc_md=__doc__,
) as dag:
    KeepStream(task_id="keep", wanted="{{ params.wanted }}", execution_timeout=timedelta(minutes=50))
