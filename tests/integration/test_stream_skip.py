"""The ways on when Kafka no longer has what comes next: each is taken to the end, up to a clean `verify`."""

import json
import signal
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli import main
from pipeline.settings import KafkaSettings, PostgresSettings
from pipeline.stream.skip import Skipped, skip_to_earliest
from pipeline.stream.topic import topic_range
from pipeline.verify import Report, verify
from tests.integration.commits import commit, invalid
from tests.integration.conftest import Connect
from tests.integration.samples import as_bytes, event
from tests.integration.streaming import WITHOUT_SPARK, Env, environment, started, wait_until
from tests.integration.topics import Topics

Sql = Callable[..., list[tuple]]


def send(topics: Topics, topic: str, numbers: range, partition: int = 0) -> None:
    today = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
    events = [event(number, event_time=today, ordered_at=today) for number in numbers]
    topics.send(topic, [(b"key", as_bytes(content)) for content in events], partition)


def read_by_the_job(env: Env, folder: Path, postgres: PostgresSettings, kafka: KafkaSettings) -> Report:
    """Run the real job until everything is committed, and stop it."""
    with started(env, folder / "log") as process:
        wait_until((folder / "ready").exists, process, folder / "log")
        report = verify(postgres, kafka, timeout_s=120)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    return report


def refusal(env: Env, folder: Path) -> str:
    with started(env, folder / "log", WITHOUT_SPARK) as process:
        assert process.wait(120) == 1
    return (folder / "log").read_text(encoding="utf-8")


def test_after_retention_a_skip_lets_the_stream_go_on_and_is_shown(
    platform_env: Env,
    database: PostgresSettings,
    kafka: KafkaSettings,
    topics: Topics,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    own = kafka.model_copy(update={"orders_topic": topics.make()})
    env = environment(platform_env, database, own, tmp_path)
    send(topics, own.orders_topic, range(10))
    assert read_by_the_job(env, tmp_path, database, own).raw_rows == 10
    send(topics, own.orders_topic, range(10, 20))
    topics.delete_before(own.orders_topic, {0: 15})
    assert "retention removed 5 events" in (said := refusal(env, tmp_path))
    assert "`ecom stream skip --to-earliest`" in said
    for name in ("ECOM_POSTGRES_DATABASE", "ECOM_KAFKA_ORDERS_TOPIC"):
        monkeypatch.setenv(name, env[name])
    done = CliRunner().invoke(main.app, ["stream", "skip", "--to-earliest", "--json"])
    assert json.loads(done.stdout)["skipped"] == [{"partition": 0, "first": 10, "until": 15}]
    report = read_by_the_job(env, tmp_path, database, own)
    assert report.clean, report.as_dict()
    assert (report.offsets, report.raw_rows, report.skipped) == (20, 15, 5)
    assert "it begins before what Kafka still holds" in (tmp_path / "log").read_text(encoding="utf-8")
    shown = CliRunner().invoke(main.app, ["verify", "--quick"])
    assert (shown.exit_code, "never read: Kafka had removed them" in shown.stdout) == (0, True), shown.stdout


def test_after_a_topic_was_recreated_another_name_lets_the_stream_go_on(
    platform_env: Env, database: PostgresSettings, kafka: KafkaSettings, topics: Topics, tmp_path: Path
):
    old = kafka.model_copy(update={"orders_topic": topics.make()})
    commit(database, [invalid() for _ in range(5)], topic=old.orders_topic)
    topics.recreate(old.orders_topic)
    assert "another name (ECOM_KAFKA_ORDERS_TOPIC)" in refusal(
        environment(platform_env, database, old, tmp_path), tmp_path
    )
    new = kafka.model_copy(update={"orders_topic": topics.make()})
    send(topics, new.orders_topic, range(3))
    report = read_by_the_job(environment(platform_env, database, new, tmp_path), tmp_path, database, new)
    assert report.clean, report.as_dict()
    assert (report.offsets, report.raw_rows, report.facts) == (3, 3, 3)


def test_a_skip_takes_only_what_is_gone_and_only_once(
    database: PostgresSettings, kafka: KafkaSettings, topics: Topics, log_in: Connect, sql: Sql
):
    own = kafka.model_copy(update={"orders_topic": topics.make()})
    for partition in (0, 1):
        topics.send(own.orders_topic, [(None, b"{")] * 9, partition)
        commit(database, [invalid()] * 4, partition=partition, topic=own.orders_topic)
    topics.delete_before(own.orders_topic, {0: 6, 1: 4})
    held = topic_range(own, own.orders_topic)
    assert skip_to_earliest(log_in("ingest"), held) == [Skipped(0, 4, 6)]
    assert skip_to_earliest(log_in("ingest"), held) == []
    accounts = "SELECT partition, next_offset, dlq_rows, skipped_offsets FROM ops.stream_offsets ORDER BY 1"
    assert sql(accounts) == [(0, 6, 4, 2), (1, 4, 4, 0)]


def test_a_skip_is_said_in_full(platform_env: Env):
    refused = CliRunner().invoke(main.app, ["stream", "skip"])
    assert refused.exit_code == 2
