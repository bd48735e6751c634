"""The streaming job, whole and real: from a topic to the tables, the DLQ and orders_cleaned, and its stop."""

import json
import signal
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from psycopg2.extensions import connection as Connection

from infra.platform import Platform
from pipeline import dlq
from pipeline.database import connect
from pipeline.settings import KafkaSettings, PostgresSettings
from pipeline.verify import Report, verify
from tests.integration.samples import as_bytes, now, uid
from tests.integration.streaming import Process, environment, started, wait_until
from tests.integration.topics import Topics

INVALID = {
    b"{": "malformed_json",
    b"": "empty_value",
    b"\xff": "invalid_utf8",
    b"{}": "missing_field",
}


@dataclass
class Running:
    """A job that runs, and everything around it."""

    process: Process
    postgres: PostgresSettings
    kafka: KafkaSettings
    folder: Path
    topics: Topics

    def verify(self) -> Report:
        return verify(self.postgres, self.kafka, timeout_s=120)

    def connect(self) -> "closing[Connection]":
        return closing(connect(self.postgres, "ingest", "tests"))

    def entries(self, state: str = "all", reason: str | None = None) -> list[dlq.LedgerEntry]:
        with self.connect() as connection:
            return dlq.entries(connection, state, reason)

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def running(
    platform: Platform,
    shared_database: PostgresSettings,
    kafka: KafkaSettings,
    topics: Topics,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Running]:
    """A job that has taken 20 distinct events (two of them twice), and some that are invalid."""
    folder = tmp_path_factory.mktemp("stream")
    own = kafka.model_copy(
        update={name: topics.make(name[:7]) for name in ("orders_topic", "dlq_topic", "cleaned_topic")}
    )
    ready = folder / "ready"
    ready.touch()  # of an earlier run that was killed
    env = environment(platform.as_env(), shared_database, own, folder)
    good = [(b"key", as_bytes(now(number, x=1) if number % 5 == 0 else now(number))) for number in range(20)]
    topics.send(own.orders_topic, [*good[:10], *good[:2]])
    with started(env, folder / "log") as process:
        wait_until(lambda: not ready.exists(), process, folder / "log")
        wait_until(ready.exists, process, folder / "log")
        topics.send(own.orders_topic, good[10:], partition=1)
        topics.send(own.orders_topic, [(None, value) for value in INVALID])
        topics.send(own.orders_topic, [(b"key", as_bytes(now(30, schema_version="2.0")))])
        job = Running(process, shared_database, own, folder, topics)
        job.verify()
        yield job


def test_every_event_is_accounted_for(running: Running):
    report = running.verify()
    assert report.clean, report.as_dict()
    assert (report.offsets, report.raw_rows, report.duplicates, report.dlq_origins) == (27, 20, 2, 5)
    assert report.facts == 20


def test_each_invalid_message_is_in_the_ledger_and_in_the_topic_with_its_bytes(running: Running):
    by_reason = {entry.reason: entry for entry in running.entries()}
    assert set(by_reason) == {*INVALID.values(), "unsupported_schema_version"}
    for value, reason in INVALID.items():
        message = dlq.find_message(running.kafka, by_reason[reason].origin)
        assert (message.value, message.key) == (value, None)
        assert message.headers["ecom-reason"] == reason
        assert message.origin.startswith(f"{running.kafka.orders_topic}/0/")


def test_valid_events_go_on_with_their_amount(running: Running):
    # They follow the commit, which is what verify waits for.
    def arrived() -> dict[str, Any]:
        records = running.topics.read(running.kafka.cleaned_topic)
        return {json.loads(record.value)["event_id"]: record for record in records}

    wait_until(lambda: len(arrived()) >= 20, running.process, running.folder / "log")
    by_event = arrived()
    assert set(by_event) == {uid(number) for number in range(20)}
    for record in by_event.values():
        content = json.loads(record.value)
        assert content["amount"] == 59.97
        assert record.key == content["order_id"].encode()


def test_a_replay_that_fails_again_stays_one_origin(running: Running):
    (before,) = running.entries(reason="unsupported_schema_version")
    with running.connect() as connection:
        done = dlq.replay(connection, running.kafka, [before.origin, "orders/9/9"])
    assert done == ([before.origin], ["orders/9/9"], [])
    report = running.verify()
    assert report.clean, report.as_dict()
    assert (report.dlq_origins, report.duplicates) == (5, 3)
    (after,) = running.entries(reason="unsupported_schema_version")
    assert (after.origin, after.attempts) == (before.origin, 2)
    message = dlq.find_message(running.kafka, before.origin)
    assert message.headers["ecom-attempt"] == "2"
    assert json.loads(message.value)["schema_version"] == "2.0"


def test_dashboards_see_where_the_topic_ends(running: Running):
    def told() -> bool:
        with running.connect() as connection, connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*), sum(end_offset - next_offset) FROM ops.stream_ends"
                " JOIN ops.stream_offsets USING (topic, partition)"
            )
            return cursor.fetchone() == (2, 0)  # the partitions that have messages

    wait_until(told, running.process, running.folder / "log")


def test_a_stop_is_quiet_and_takes_the_ready_file_along(running: Running):
    # The last test: it ends the job.
    assert running.process.poll() is None
    running.process.send_signal(signal.SIGTERM)
    assert running.process.wait(60) == 0
    assert not (running.folder / "ready").exists()
    assert "Traceback" not in running.log
    assert "ERROR" not in running.log
