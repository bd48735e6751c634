"""Measurements that alarms wait for, into a namespace of CloudWatch; nowhere if none is configured."""

from collections.abc import Mapping
from typing import Any

from pipeline.settings import MetricsSettings
from pipeline.stream.health import Health

TASKS_FAILED = "TasksFailed"
# A stream that never committed while events wait is as late as an alarm can be.
_NEVER_S = 86_400.0
_PATIENCE_S = 10


class MetricsRefused(RuntimeError):
    """Measurements that CloudWatch did not take; the message is one line."""


def measures(health: Health) -> dict[str, float]:
    """Return the stream's health in the words of its alarms; an old commit is fine if nothing waits."""
    age = _NEVER_S if health.last_commit_age_s is None else health.last_commit_age_s
    found = {
        "EventsBehind": float(health.behind),
        "LastCommitAgeSeconds": age if health.behind else 0.0,
        "DeadLetterPercent": health.dead_percent,
        "StreamStarts": float(health.starts_last_hour),
    }
    if health.freshness_s is not None:
        found["FreshnessSeconds"] = health.freshness_s
    return found


def publish(settings: MetricsSettings, values: Mapping[str, float]) -> None:
    """Publish these values, as of now; raise MetricsRefused."""
    if not settings.namespace:
        return
    # Here, because most environments need no boto3.
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    data: list[dict[str, Any]] = [{"MetricName": name, "Value": value} for name, value in values.items()]
    patience = Config(connect_timeout=_PATIENCE_S, read_timeout=_PATIENCE_S)
    try:
        boto3.client("cloudwatch", config=patience).put_metric_data(
            Namespace=settings.namespace, MetricData=data
        )
    except (BotoCoreError, ClientError) as error:
        raise MetricsRefused(f"metrics of {settings.namespace}: {error}") from None
