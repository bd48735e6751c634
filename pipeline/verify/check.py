"""Wait for the stream at fixed end offsets, then check one snapshot of the warehouse."""

import time
from collections.abc import Callable
from dataclasses import replace

from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from pipeline.database import connect_patiently
from pipeline.settings import KafkaSettings, PostgresSettings
from pipeline.stream.offsets import TopicRange, behind, check_against_kafka
from pipeline.stream.progress import committed_offsets
from pipeline.stream.topic import topic_range
from pipeline.verify.accounting import accounts, doubled, drift, lost
from pipeline.verify.report import Finding, Report
from pipeline.verify.tables import dimensions, facts, sums

POLL_S = 0.25

BatchRebuild = Callable[[Cursor], Finding]


class StreamBehind(RuntimeError):
    """The stream did not reach the fixed end offsets; the message says how far it is behind."""


def verify(
    postgres: PostgresSettings,
    kafka: KafkaSettings,
    timeout_s: float = 120,
    on_wait: Callable[[int], None] = lambda behind: None,
    batch: BatchRebuild | None = None,
) -> Report:
    """Fix the topic's end offsets, wait until they are committed, and check one snapshot of the warehouse.

    `on_wait` is told how many offsets are still to come; `batch` compares the facts with its own rebuild in
    the snapshot of the cursor that it is given. Raises StreamBehind after `timeout_s` seconds
    without any progress, OffsetsLost where Kafka and `ops` can't be brought together, TopicMissing,
    KafkaUnavailable or DatabaseUnavailable.
    """
    connection = connect_patiently(postgres, "etl", "ecom-verify")
    try:
        _wait_for(connection, _held_now(connection, kafka), timeout_s, on_wait)
        connection.set_session(isolation_level="REPEATABLE READ")
        with connection, connection.cursor() as cursor:
            report = _check(cursor, kafka.orders_topic)
            return replace(report, different_from_batch=batch(cursor)) if batch else report
    finally:
        connection.close()


def _held_now(connection: Connection, kafka: KafkaSettings) -> TopicRange:
    # What is committed first: read after Kafka's end it could be ahead of it while the stream runs.
    with connection:
        committed = committed_offsets(connection, kafka.orders_topic)
    held = topic_range(kafka, kafka.orders_topic)
    check_against_kafka(committed, held)
    return held


def _wait_for(
    connection: Connection, held: TopicRange, timeout_s: float, on_wait: Callable[[int], None]
) -> None:
    least, since = None, time.monotonic()
    while True:
        with connection:
            committed = committed_offsets(connection, held.topic)
        waiting = behind(committed, held)
        on_wait(waiting)
        if not waiting:
            return
        if least is None or waiting < least:
            least, since = waiting, time.monotonic()
        if time.monotonic() - since > timeout_s:
            raise StreamBehind(
                f"{waiting} events of {held.topic} are not committed and none came in {timeout_s:.0f} s:"
                " is the streaming job running? (`ecom status`, `ecom logs stream`)"
            )
        time.sleep(POLL_S)  # a poll of the committed offsets, until they reach the end


def _check(cursor: Cursor, topic: str) -> Report:
    found = accounts(cursor, topic)
    different_versions, pending_versions = dimensions(cursor)
    return Report(
        topic=topic,
        offsets=sum(account.offsets for account in found),
        raw_rows=sum(account.raw for account in found),
        duplicates=sum(account.duplicates for account in found),
        dlq_origins=sum(account.dlq for account in found),
        skipped=sum(account.skipped for account in found),
        facts=_scalar(cursor, "SELECT count(*) FROM curated.fact_orders"),
        pending_repair=_scalar(
            cursor, "SELECT count(*) FROM curated.fact_orders WHERE customer_key = 0 OR product_key = 0"
        ),
        pending_versions=pending_versions,
        lost=lost(found, topic),
        doubled=doubled(cursor, found, topic),
        different_versions=different_versions,
        counter_drift=drift(found, topic),
        wrong_sums=sums(cursor),
        **facts(cursor),
    )


def _scalar(cursor: Cursor, query: str) -> int:
    cursor.execute(query)
    (value,) = cursor.fetchone() or (0,)
    return int(value)
