"""The contract as this environment fulfils it: as its containers see it, and as this machine does."""

from environments.local import airflow, dashboards, kafka, metabase, postgres, spark, storage
from environments.local.config import LocalConfig
from environments.local.container import HOST
from infra.platform import BatchEndpoint, Platform


def platform(config: LocalConfig) -> Platform:
    """Return the contract as the containers see it."""
    whole = config.platform
    return Platform(
        postgres=postgres.endpoint(whole.postgres),
        kafka=kafka.endpoint(whole.kafka),
        spark=spark.endpoint(config.spark, whole.stream),
        airflow=airflow.endpoint(whole.airflow),
        dashboards=dashboards.endpoint(whole.dashboards),
        metabase=metabase.endpoint(config.metabase),
        storage=storage.endpoint(),
        batch=BatchEndpoint(quality_retention_days=whole.batch.quality_retention_days),
    )


def platform_here(config: LocalConfig) -> Platform:
    """Return the contract as this machine sees it, through the published ports."""
    whole = config.platform
    return platform(config).model_copy(
        update={
            "postgres": postgres.endpoint(whole.postgres, HOST, whole.postgres.port),
            "kafka": kafka.endpoint(whole.kafka, f"{HOST}:{whole.kafka.port}"),
            "spark": spark.endpoint_here(whole.stream),
            "airflow": airflow.endpoint(whole.airflow, here=True),
            "metabase": metabase.endpoint(config.metabase, here=True),
        }
    )
