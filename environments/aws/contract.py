"""The contract, of what was made: every value is known by then, and Pydantic checks it once more."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from environments.aws import airflow, dashboards, kafka, postgres, spark, storage
from environments.aws.config import AwsConfig
from infra.platform import BatchEndpoint, EmrServerlessEndpoint, Env, MetricsEndpoint, Platform


@dataclass(frozen=True, kw_only=True)
class Made:
    """What AWS made up: addresses, ids, ARNs."""

    secrets: Mapping[str, str]
    postgres: str
    brokers: str
    bucket: str
    dashboards: str
    airflow: str
    application: str
    stream: str
    role: str
    entry: str
    stream_entry: str
    metrics: str
    region: str


def for_jobs(config: AwsConfig, made: Made, certificates: str = spark.CERTIFICATES) -> Env:
    """Return the variables of who submits no job: job runs themselves and tasks on Fargate."""
    return _platform(config, made, certificates, "").as_env()


def platform(config: AwsConfig, made: Made, certificates: str, artifacts: Mapping[str, Any]) -> Platform:
    """Return the contract for a reader who has RDS's certificates at this path."""
    return _platform(config, made, certificates, spark.parameters(artifacts, config.aws, made.region))


def _platform(config: AwsConfig, made: Made, certificates: str, parameters: str) -> Platform:
    whole = config.platform
    password = made.secrets["metabase_admin"]
    return Platform(
        postgres=postgres.endpoint(whole.postgres, made.postgres, made.secrets, certificates),
        kafka=kafka.endpoint(whole.kafka, made.brokers),
        spark=spark.endpoint(whole.stream),
        airflow=airflow.endpoint(made.airflow),
        dashboards=dashboards.endpoint(made.dashboards),
        storage=storage.endpoint(made.bucket),
        emr=EmrServerlessEndpoint(
            application_id=made.application,
            execution_role_arn=made.role,
            entry_point=made.entry,
            submit_parameters=parameters,
            stream_application_id=made.stream,
            stream_entry_point=made.stream_entry,
            stream_submit_parameters=spark.stream_parameters(config.aws),
        ),
        metabase=dashboards.metabase_endpoint(config.aws, made.dashboards, password, made.postgres),
        metrics=MetricsEndpoint(namespace=made.metrics),
        batch=BatchEndpoint(quality_retention_days=whole.batch.quality_retention_days),
    )
