"""The dead-letter queue for operators: what is in it, one message whole, and sending messages in again."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from psycopg2.extensions import connection as Connection

from pipeline.kafka_client import KafkaUnavailable, answering, reader_options
from pipeline.settings import KafkaSettings
from pipeline.stream.copy_lines import ATTEMPT_HEADER, ORIGIN_HEADER
from pipeline.stream.dead_letters import MAX_REQUEST_BYTES, is_origin, split_origin

_STATES = {
    "open": "replayed_at IS NULL AND resolved_at IS NULL",
    "replayed": "replayed_at IS NOT NULL AND resolved_at IS NULL",
    "resolved": "resolved_at IS NOT NULL",
    "all": "true",
}
STATES = tuple(_STATES)
_POLL_MS = 1000
_IDLE_POLLS = 30
_ACK_TIMEOUT_S = 30


class DlqError(RuntimeError):
    """A request that can't be met; the message says why."""


@dataclass(frozen=True)
class LedgerEntry:
    """One origin in ops.dlq_events."""

    origin: str
    reason: str
    detail: str
    attempts: int
    state: str
    first_seen_at: str


@dataclass(frozen=True)
class Message:
    """One message of the DLQ topic, as it is."""

    offset: str
    key: bytes | None
    value: bytes
    headers: dict[str, str]

    @property
    def origin(self) -> str:
        """The topic/partition/offset where it was first read."""
        return self.headers.get(ORIGIN_HEADER, "")


def count_by_reason(connection: Connection) -> dict[str, int]:
    """Return how many origins are in the ledger, resolved ones left out, by reason."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT reason, count(*) FROM ops.dlq_events WHERE resolved_at IS NULL"
            " GROUP BY 1 ORDER BY 2 DESC, 1"
        )
        return dict(cursor.fetchall())


def entries(
    connection: Connection, state: str = "open", reason: str | None = None, limit: int = 50
) -> list[LedgerEntry]:
    """Return ledger entries, newest first; raise DlqError for an unknown state."""
    if state not in _STATES:
        raise DlqError(f"state {state!r}: allowed are {', '.join(STATES)}")
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT topic || '/' || partition || '/' || source_offset, reason, detail, attempts,"  # noqa: S608
            " CASE WHEN resolved_at IS NOT NULL THEN 'resolved' WHEN replayed_at IS NOT NULL THEN 'replayed'"
            " ELSE 'open' END, to_char(first_seen_at, 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"
            f" FROM ops.dlq_events WHERE {_STATES[state]} AND (%(reason)s IS NULL OR reason = %(reason)s)"
            " ORDER BY first_seen_at DESC, 1 LIMIT %(limit)s",
            {"reason": reason, "limit": limit},
        )
        return [LedgerEntry(*row) for row in cursor.fetchall()]


def find_message(settings: KafkaSettings, origin: str) -> Message:
    """Return the newest message of an origin; raise DlqError if the topic does not hold one (any more)."""
    if not is_origin(origin):
        raise DlqError(f"origin {origin!r}: expected topic/partition/offset, as `ecom dlq list` prints it")
    found = [message for message in read_topic(settings) if message.origin == origin]
    if not found:
        raise DlqError(f"{settings.dlq_topic} holds no message with origin {origin} (any more)")
    return max(found, key=lambda message: int(message.headers.get(ATTEMPT_HEADER, "1")))


def replay(
    connection: Connection, settings: KafkaSettings, origins: Sequence[str]
) -> tuple[list[str], list[str]]:
    """Send the messages of `origins` to the orders topic again; return those sent and those not found.

    Each keeps its origin and counts one attempt more, so however often it is replayed it counts once.
    It is entered in `ops` after the acknowledgement: a crash in between replays it once more, which is safe.
    """
    wanted = set(origins)
    latest = {message.origin: message for message in read_topic(settings) if message.origin in wanted}
    with (
        answering(settings),
        closing(
            KafkaProducer(**reader_options(settings), acks="all", max_request_size=MAX_REQUEST_BYTES)
        ) as producer,
    ):
        pending = [_send_again(producer, settings.orders_topic, message) for message in latest.values()]
        for future in pending:
            future.get(_ACK_TIMEOUT_S)
    _enter(connection, sorted(latest))
    return sorted(latest), sorted(wanted - set(latest))


def read_topic(settings: KafkaSettings) -> Iterator[Message]:
    """Yield what the DLQ topic holds now, oldest first within a partition."""
    options = reader_options(settings) | {"enable_auto_commit": False, "auto_offset_reset": "earliest"}
    with (
        answering(settings),
        closing(KafkaConsumer(**options, max_partition_fetch_bytes=MAX_REQUEST_BYTES)) as consumer,
    ):
        numbers = consumer.partitions_for_topic(settings.dlq_topic) or set()
        partitions = [TopicPartition(settings.dlq_topic, number) for number in sorted(numbers)]
        if not partitions:
            raise DlqError(f"topic {settings.dlq_topic} does not exist on {settings.bootstrap_servers}")
        end = consumer.end_offsets(partitions)
        consumer.assign(partitions)
        consumer.seek_to_beginning(*partitions)
        idle_polls = 0
        while any(consumer.position(place) < end[place] for place in partitions):
            polled = consumer.poll(timeout_ms=_POLL_MS)
            idle_polls = 0 if polled else idle_polls + 1
            if idle_polls > _IDLE_POLLS:
                raise KafkaUnavailable(f"Kafka at {settings.bootstrap_servers} stopped answering")
            for records in polled.values():
                yield from (_message(record) for record in records)


def _message(record: Any) -> Message:
    headers = {name: value.decode("utf-8", "replace") for name, value in record.headers}
    return Message(
        f"{record.topic}/{record.partition}/{record.offset}", record.key, record.value or b"", headers
    )


def _send_again(producer: KafkaProducer, topic: str, message: Message) -> Any:
    attempt = int(message.headers.get(ATTEMPT_HEADER, "1")) + 1
    headers = [(ORIGIN_HEADER, message.origin.encode()), (ATTEMPT_HEADER, str(attempt).encode())]
    return producer.send(topic, key=message.key, value=message.value, headers=headers)


def _enter(connection: Connection, origins: Sequence[str]) -> None:
    with connection, connection.cursor() as cursor:
        for origin in origins:
            cursor.execute(
                # Unless the stream was quicker: what it resolved stays so.
                "UPDATE ops.dlq_events SET replayed_at = now()"
                " WHERE (topic, partition, source_offset) = (%s, %s, %s) AND resolved_at IS NULL",
                split_origin(origin),
            )
