"""Replays against the stream's own answers, and messages in the DLQ topic that somebody else put there."""

from collections.abc import Callable
from contextlib import closing
from typing import Any

import confluent_kafka
import pytest

from pipeline import dlq
from pipeline.database import connect
from pipeline.settings import KafkaSettings, PostgresSettings
from pipeline.stream.commit import commit_partition
from pipeline.stream.dead_letters import KafkaDeadLetterSink
from tests.integration.commits import batch, commit, invalid
from tests.integration.topics import Topics

Sql = Callable[..., list[tuple]]
Headers = list[tuple[str, bytes | None]]


@pytest.fixture
def own(kafka: KafkaSettings, topics: Topics) -> KafkaSettings:
    return kafka.model_copy(update={"orders_topic": topics.make(), "dlq_topic": topics.make("dlq")})


def send(kafka: KafkaSettings, partition: int, value: bytes, headers: Headers) -> None:
    """Send by another library: ours writes no header without a value, others do."""
    producer = confluent_kafka.Producer({"bootstrap.servers": kafka.bootstrap_servers})
    producer.produce(kafka.dlq_topic, value=value, headers=headers, partition=partition)
    assert producer.flush(30) == 0


def letter(attempt: bytes | None, origin: bytes = b"orders/0/0") -> Headers:
    return [("ecom-origin", origin), ("ecom-attempt", attempt)]


def refused_again(database: PostgresSettings, attempt: str) -> None:
    """Commit the replay of orders/0/0 as the stream does when it is still invalid."""
    commit(database, [invalid() | {"origin": "orders/0/0", "attempt": attempt}], 1)


def state(sql: Sql) -> tuple[int, bool]:
    ((attempts, replayed),) = sql("SELECT attempts, replayed_at IS NOT NULL FROM ops.dlq_events")
    return attempts, replayed


def replay(database: PostgresSettings, kafka: KafkaSettings, *origins: str) -> dlq.Replayed:
    with closing(connect(database, "ingest")) as connection:
        return dlq.replay(connection, kafka, origins)


def test_a_replay_that_is_refused_before_it_is_entered_stays_open(
    database: PostgresSettings, own: KafkaSettings, sql: Sql, monkeypatch: pytest.MonkeyPatch
):
    commit(database, [invalid()])
    send(own, 0, b"{", letter(b"1"))
    enter = dlq._enter

    def after_the_stream(*arguments: Any) -> None:
        refused_again(database, "2")
        enter(*arguments)

    monkeypatch.setattr(dlq, "_enter", after_the_stream)
    assert replay(database, own, "orders/0/0") == (["orders/0/0"], [], [])
    assert state(sql) == (2, False)
    with closing(connect(database, "ingest")) as connection:
        assert [entry.attempts for entry in dlq.entries(connection, "open")] == [2]


def test_a_replay_is_entered_and_its_later_refusal_opens_it_again(
    database: PostgresSettings, own: KafkaSettings, sql: Sql
):
    commit(database, [invalid()])
    send(own, 0, b"{", letter(b"1"))
    replay(database, own, "orders/0/0")
    assert state(sql) == (1, True)
    refused_again(database, "2")
    assert state(sql) == (2, False)


def test_the_attempt_goes_on_from_the_ledger_where_the_topic_lost_the_newest_message(
    database: PostgresSettings, own: KafkaSettings, sql: Sql, topics: Topics
):
    commit(database, [invalid()])
    refused_again(database, "4")
    send(own, 0, b"{", letter(b"1"))
    replay(database, own, "orders/0/0")
    assert [dict(record.headers)["ecom-attempt"] for record in topics.read(own.orders_topic)] == [b"5"]
    assert state(sql) == (4, True)


@pytest.mark.parametrize("partition", [0, 1])
def test_show_and_replay_take_the_newest_attempt_wherever_it_lies(
    database: PostgresSettings, own: KafkaSettings, topics: Topics, partition: int
):
    commit(database, [invalid()])
    send(own, partition, b"first", letter(b"9"))
    send(own, 1 - partition, b"second", letter(b"10"))
    assert dlq.find_message(own, "orders/0/0").value == b"second"
    replay(database, own, "orders/0/0")
    assert [record.value for record in topics.read(own.orders_topic)] == [b"second"]


@pytest.mark.parametrize("strange", [b"many", b"", None, b"\xff", "٣".encode(), b"9" * 30, b"-1"])
def test_messages_that_are_not_ours_harm_nothing(
    database: PostgresSettings, own: KafkaSettings, topics: Topics, strange: bytes | None
):
    commit(database, [invalid()])
    send(own, 0, b"none of ours", [])
    send(own, 0, b"no origin", [("ecom-origin", strange)])
    send(own, 0, b"ours", letter(b"1"))
    send(own, 1, b"forged", [*letter(b"1", b"orders/0/7"), *letter(b"2")])
    send(own, 1, b"strange", letter(strange, b"orders/0/8"))
    assert dlq.find_message(own, "orders/0/0").value == b"ours"
    assert dlq.find_message(own, "orders/0/8").attempt == 1
    assert replay(database, own, "orders/0/0", "") == (["orders/0/0"], [""], [])
    assert [record.value for record in topics.read(own.orders_topic)] == [b"ours"]


def test_what_is_too_large_for_the_dlq_goes_there_without_its_payload(
    database: PostgresSettings, own: KafkaSettings, topics: Topics, sql: Sql
):
    # It came in compressed, and limits are for what is compressed.
    rows = [invalid(b"{" * 3_000_000) | {"key": b"k"}, invalid(b"{")]
    with closing(connect(database, "ingest")) as connection:
        commit_partition(connection, "orders", KafkaDeadLetterSink(own), iter([batch(rows)]))
    found = {dict(record.headers)["ecom-origin"]: record for record in topics.read(own.dlq_topic)}
    assert {origin: record.value for origin, record in found.items()} == {
        b"orders/0/0": b"",
        b"orders/0/1": b"{",
    }
    assert dict(found[b"orders/0/0"].headers)["ecom-omitted-bytes"] == b"3000001"
    assert replay(database, own, "orders/0/0", "orders/0/1") == (["orders/0/1"], [], ["orders/0/0"])


def test_one_that_is_too_large_keeps_no_other_from_its_replay(
    database: PostgresSettings, own: KafkaSettings, topics: Topics, sql: Sql
):
    small = own.model_copy(update={"orders_topic": topics.make(limit=10_000)})
    commit(database, [invalid(), invalid()])
    send(own, 0, b"{" * 50_000, letter(b"1"))
    send(own, 0, b"{", letter(b"1", b"orders/0/1"))
    assert replay(database, small, "orders/0/0", "orders/0/1") == (["orders/0/1"], [], ["orders/0/0"])
    told = sql("SELECT source_offset, replayed_at IS NOT NULL FROM ops.dlq_events ORDER BY 1")
    assert told == [(0, False), (1, True)]
