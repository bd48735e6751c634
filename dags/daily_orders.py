"""The day: rebuild what changed since the last publication, pass the gate, publish, check what was published.

A scheduled run takes everything since the last mark. A run of `airflow backfill create` rebuilds the orders
of its own day, and one that a person starts does what its parameters say. However many runs there are, the
seat in the warehouse lets one at a time use staging.
"""

from datetime import datetime, timedelta

from airflow.sdk import DAG, Asset, Param
from airflow.timetables.interval import CronDataIntervalTimetable

from batch_process import BeginRun, SqlStep
from failure_report import report_failure, report_run
from spark_task import SparkStep

RUN_ID = "{{ dag.dag_id }}.{{ run_id }}"
# A backfill's run covers its own day, a person's what they ask for, a scheduled one whatever is new.
BACKFILL = "(dag_run.run_type | string) == 'backfill'"
KIND = f"{{{{ 'backfill' if {BACKFILL} else params.kind }}}}"
# By the logical date: a run that a person started has another interval, and a backfill may run it again.
FROM_DAY = f"{{{{ ds if {BACKFILL} else params.from_day or '' }}}}"
UNTIL_DAY = f"{{{{ macros.ds_add(ds, 1) if {BACKFILL} else params.until_day or '' }}}}"

STAGING = Asset("ecom://staging/fact_orders")
DIMENSIONS = [Asset("ecom://curated/dim_customers"), Asset("ecom://curated/dim_products")]
FACTS = Asset("ecom://curated/fact_orders")

with DAG(
    "daily_orders",
    description="raw -> staging -> gate -> curated -> check",
    schedule=CronDataIntervalTimetable("0 0 * * *", timezone="UTC"),
    start_date=datetime(2020, 1, 1),
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=6),
    on_failure_callback=report_run,
    tags=["orders", "batch"],
    default_args={
        "retries": 3,
        "retry_delay": timedelta(seconds=30),
        "retry_exponential_backoff": True,
        "max_retry_delay": timedelta(minutes=10),
        "execution_timeout": timedelta(hours=2),
        "on_failure_callback": report_failure,
    },
    params={
        "kind": Param(
            "increment", enum=["increment", "backfill", "full"], description="Which orders to rebuild."
        ),
        "from_day": Param(
            None, type=["null", "string"], format="date", description="A backfill's first UTC day."
        ),
        "until_day": Param(
            None, type=["null", "string"], format="date", description="The day it ends before."
        ),
    },
    doc_md=__doc__,
) as dag:
    begin = BeginRun(
        task_id="begin",
        run_id=RUN_ID,
        arguments=[f"--kind={KIND}", f"--from-day={FROM_DAY}", f"--until-day={UNTIL_DAY}"],
        poke_interval=15,
        exponential_backoff=True,
        max_wait=timedelta(minutes=2),
        timeout=timedelta(hours=4).total_seconds(),
    )
    dimensions = SparkStep(task_id="dimensions", step="dimensions", run_id=RUN_ID)
    facts = SparkStep(task_id="facts", step="facts", run_id=RUN_ID, outlets=[STAGING])
    gate = SqlStep(task_id="gate", step="gate", run_id=RUN_ID)
    publish = SqlStep(task_id="publish", step="publish", run_id=RUN_ID, outlets=[*DIMENSIONS, FACTS])
    check = SqlStep(task_id="check", step="check", run_id=RUN_ID)
    begin >> dimensions >> facts >> gate >> publish >> check
