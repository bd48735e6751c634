"""What alarms wait for is published, under their names, into the namespace that is injected."""

import logging
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from moto import mock_aws

from environments.aws.observability import ObservabilityArgs, alarms
from environments.aws.options import Options
from environments.aws.place import Place
from pipeline.metrics import TASKS_FAILED, MetricsRefused, measures, publish
from pipeline.settings import MetricsSettings
from pipeline.stream.health import Health

DAGS = str(Path(__file__).parents[2] / "dags")
NAMESPACE, REGION = "ecom/ecom-test-airflow", "eu-central-1"
SETTINGS = MetricsSettings(namespace=NAMESPACE)
PLACE = Place("123456789012", REGION, "aws", "amazonaws.com", ("a", "b"))
HEALTH = Health(behind=7, last_commit_age_s=12.5, starts_last_hour=1, dead_percent=2.5, freshness_s=3.25)


@pytest.fixture
def cloudwatch(monkeypatch: pytest.MonkeyPatch) -> Any:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    with mock_aws():
        yield boto3.client("cloudwatch")


def published(cloudwatch: Any) -> dict[str, float]:
    from moto.cloudwatch.models import cloudwatch_backends

    data = cloudwatch_backends["123456789012"][REGION].metric_data
    ours = [datum for datum in data if datum.namespace == NAMESPACE]
    return {datum.name: datum.value for datum in ours}  # type: ignore[attr-defined]


def test_the_streams_health_is_published(cloudwatch):
    publish(SETTINGS, measures(HEALTH))
    assert published(cloudwatch) == {
        "EventsBehind": 7.0,
        "LastCommitAgeSeconds": 12.5,
        "DeadLetterPercent": 2.5,
        "StreamStarts": 1.0,
        "FreshnessSeconds": 3.25,
    }


@pytest.mark.parametrize(
    ("health", "age"),
    [
        # Nothing waits, so nothing is late.
        (Health(0, 99_999.0, 0), 0.0),
        (Health(0, None, 0), 0.0),
        (Health(1, None, 0), 86_400.0),
        (Health(1, 601.0, 0), 601.0),
    ],
)
def test_a_commit_is_late_only_while_events_wait(health, age):
    assert measures(health)["LastCommitAgeSeconds"] == age


def test_every_alarm_about_ours_waits_for_something_that_is_published():
    args = ObservabilityArgs(
        Options(),  # type: ignore[call-arg]
        PLACE,
        "key",
        postgres="p",
        postgres_gb=20,
        kafka="k",
        brokers=2,
        airflow="ecom-test-airflow",
        namespace=NAMESPACE,
        balancer="b",
        target="t",
    )
    ours = {alarm.metric: alarm.label for alarm in alarms(args) if alarm.namespace == NAMESPACE}
    # How often the stream started is for the dashboard's reader.
    assert {*measures(HEALTH), TASKS_FAILED} - set(ours) == {"StreamStarts"}
    assert set(ours.values()) == {
        "stream-behind",
        "stream-stale",
        "stream-late",
        "dead-letters",
        "dag-failed",
    }
    assert all(alarm.dimensions == {} for alarm in alarms(args) if alarm.namespace == NAMESPACE)


def test_nothing_is_asked_of_aws_where_no_namespace_is_configured(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(boto3, "client", lambda *_, **__: pytest.fail("AWS was asked"))
    publish(MetricsSettings(namespace=""), measures(HEALTH))


def test_a_refusal_is_one_line(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(MetricsRefused, match=rf"^metrics of {NAMESPACE}: Could not connect .*$"):
        publish(SETTINGS, {"A": 1.0})


class TestAFailedTask:
    CONTEXT: Any = {  # noqa: RUF012 - read only
        "ti": SimpleNamespace(
            dag_id="daily_orders", task_id="gate", run_id="r", try_number=4, log_url="http://x"
        ),
        "task": SimpleNamespace(),
        "exception": RuntimeError("a quality check failed"),
    }

    def test_rings(self, cloudwatch, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.syspath_prepend(DAGS)
        from failure_report import report_failure

        monkeypatch.setenv("ECOM_METRICS_NAMESPACE", NAMESPACE)
        report_failure(self.CONTEXT)
        assert published(cloudwatch) == {TASKS_FAILED: 1.0}

    def test_so_does_a_run_that_took_too_long_whose_tasks_airflow_skips(self, cloudwatch, monkeypatch):
        monkeypatch.syspath_prepend(DAGS)
        from failure_report import report_run

        monkeypatch.setenv("ECOM_METRICS_NAMESPACE", NAMESPACE)
        report_run({"run_id": "r", "reason": "timed_out"})
        assert published(cloudwatch) == {TASKS_FAILED: 1.0}
        limited = [path for path in Path(DAGS).glob("*.py") if "dagrun_timeout=" in path.read_text("utf-8")]
        assert len(limited) == 4
        # Of the DAG itself, as its limit is: its tasks have their own.
        told = r"\n    dagrun_timeout=.*\n    on_failure_callback=report_run,\n"
        assert all(re.search(told, path.read_text("utf-8")) for path in limited)

    def test_is_reported_to_its_end_though_no_alarm_hears_it(self, monkeypatch, caplog):
        monkeypatch.syspath_prepend(DAGS)
        from failure_report import report_failure

        monkeypatch.delenv("ECOM_METRICS_NAMESPACE", raising=False)
        with caplog.at_level(logging.ERROR):
            report_failure(self.CONTEXT)
        assert "no alarm will ring: ECOM_METRICS_NAMESPACE is not set" in caplog.text
        assert caplog.messages[-1] == "look: http://x"
