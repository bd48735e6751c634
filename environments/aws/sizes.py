"""What `small`, `standard` and `production` mean: the one place where capacity is decided.

`small` is for a try and for tests of the stack, `standard` for a team's real data, `production` adds a
standby and retention that an auditor asks for. Nothing here changes what the pipeline does.
"""

from dataclasses import dataclass
from typing import Literal

SizeName = Literal["small", "standard", "production"]


@dataclass(frozen=True, kw_only=True)
class Size:
    """Capacities by their units; `emr_…_cpu` is vCPU, `metabase_cpu` Fargate's 1024ths of one."""

    postgres_class: str
    postgres_gb: int
    postgres_most_gb: int
    postgres_standby: bool
    backup_days: int
    insights_days: int
    broker_class: str
    brokers_per_zone: int
    broker_gb: int
    broker_metrics: str
    emr_batch_cpu: int
    emr_stream_cpu: int
    stream_executors: int
    executor_cores: int
    executor_gb: int
    airflow_class: str
    airflow_workers: int
    metabase_cpu: int
    metabase_mb: int
    metabase_tasks: int
    log_days: int


SIZES: dict[SizeName, Size] = {
    "small": Size(
        postgres_class="db.t4g.small",
        postgres_gb=20,
        postgres_most_gb=50,
        postgres_standby=False,
        backup_days=7,
        insights_days=7,
        # Four new IAM connections a second are enough for a demo, and not for more.
        broker_class="kafka.t3.small",
        brokers_per_zone=1,
        broker_gb=20,
        broker_metrics="DEFAULT",
        emr_batch_cpu=12,
        emr_stream_cpu=4,
        stream_executors=1,
        executor_cores=1,
        executor_gb=4,
        airflow_class="mw1.small",
        airflow_workers=1,
        metabase_cpu=1024,
        metabase_mb=2048,
        metabase_tasks=1,
        log_days=30,
    ),
    "standard": Size(
        postgres_class="db.m7g.large",
        postgres_gb=100,
        postgres_most_gb=500,
        postgres_standby=False,
        backup_days=14,
        insights_days=7,
        broker_class="kafka.m7g.large",
        brokers_per_zone=1,
        broker_gb=100,
        broker_metrics="PER_BROKER",
        emr_batch_cpu=32,
        emr_stream_cpu=16,
        stream_executors=1,
        executor_cores=4,
        executor_gb=16,
        airflow_class="mw1.small",
        airflow_workers=3,
        metabase_cpu=2048,
        metabase_mb=4096,
        metabase_tasks=1,
        log_days=90,
    ),
    "production": Size(
        postgres_class="db.r7g.xlarge",
        postgres_gb=200,
        postgres_most_gb=2000,
        postgres_standby=True,
        backup_days=35,
        insights_days=731,
        broker_class="kafka.m7g.xlarge",
        brokers_per_zone=1,
        broker_gb=500,
        broker_metrics="PER_TOPIC_PER_BROKER",
        emr_batch_cpu=96,
        emr_stream_cpu=32,
        stream_executors=2,
        executor_cores=4,
        executor_gb=16,
        airflow_class="mw1.medium",
        airflow_workers=5,
        metabase_cpu=2048,
        metabase_mb=4096,
        # Two, so that a lost zone takes one of them.
        metabase_tasks=2,
        log_days=365,
    ),
}
