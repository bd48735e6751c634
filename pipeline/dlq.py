"""The dead-letter queue for operators: what is in it, one message whole, and sending messages in again."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, NamedTuple

from kafka import KafkaProducer
from kafka.errors import MessageSizeTooLargeError
from psycopg2.extensions import connection as Connection

from pipeline.dlq_topic import DlqError, Message, newest, read_topic
from pipeline.kafka_client import answering, reader_options
from pipeline.settings import KafkaSettings
from pipeline.stream.dead_letters import SENDING, is_origin, origin_columns, split_origin
from pipeline.stream.headers import ATTEMPT_HEADER, ORIGIN_HEADER

_STATES = {
    "open": "replayed_at IS NULL AND resolved_at IS NULL",
    "replayed": "replayed_at IS NOT NULL AND resolved_at IS NULL",
    "resolved": "resolved_at IS NOT NULL",
    "all": "true",
}
STATES = tuple(_STATES)
_ACK_TIMEOUT_S = 30


@dataclass(frozen=True)
class LedgerEntry:
    """One origin in ops.dlq_events."""

    origin: str
    reason: str
    detail: str
    attempts: int
    state: str
    first_seen_at: str


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
    found = newest(read_topic(settings), {origin})
    if not found:
        raise DlqError(f"{settings.dlq_topic} holds no message with origin {origin} (any more)")
    return found[origin]


class Replayed(NamedTuple):
    """What became of the origins that were to be replayed."""

    sent: list[str]
    absent: list[str]
    """Those that the DLQ topic does not hold (any more)."""
    too_large: list[str]
    """Those that a topic refused for their size, now or when they came into the DLQ."""


def replay(connection: Connection, settings: KafkaSettings, origins: Sequence[str]) -> Replayed:
    """Send the messages of `origins` to the orders topic again.

    Each keeps its origin and counts one attempt more, so however often it is replayed it counts once.
    It is entered in `ops` after the acknowledgement: a crash in between replays it once more, which is safe.
    """
    latest = newest(read_topic(settings), filter(is_origin, origins))
    tried = _attempts(connection, latest)
    next_attempts = {
        origin: max(message.attempt, tried.get(origin, 0)) + 1 for origin, message in latest.items()
    }
    with (
        answering(settings),
        closing(KafkaProducer(**reader_options(settings), **SENDING)) as producer,
    ):
        pending = {
            origin: _send_again(producer, settings.orders_topic, message, next_attempts[origin])
            for origin, message in latest.items()
            if message.whole
        }
        sent = [origin for origin, future in pending.items() if _taken(future)]
    _enter(connection, {origin: next_attempts[origin] for origin in sent})
    absent, too_large = set(origins) - set(latest), set(latest) - set(sent)
    return Replayed(sorted(sent), sorted(absent), sorted(too_large))


def _taken(future: Any) -> bool:
    try:
        future.get(_ACK_TIMEOUT_S)
    except MessageSizeTooLargeError:
        return False
    return True


def _attempts(connection: Connection, origins: Iterable[str]) -> dict[str, int]:
    """Return what the ledger knows of `origins`; the topic's newest message may be gone by retention."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT topic || '/' || partition || '/' || source_offset, attempts FROM ops.dlq_events"
            " WHERE (topic, partition, source_offset) IN"
            " (SELECT * FROM unnest(%s::text[], %s::int[], %s::bigint[]))",
            origin_columns(origins),
        )
        return dict(cursor.fetchall())


def _send_again(producer: KafkaProducer, topic: str, message: Message, attempt: int) -> Any:
    headers = [(ORIGIN_HEADER, message.origin.encode()), (ATTEMPT_HEADER, str(attempt).encode())]
    return producer.send(topic, key=message.key, value=message.value, headers=headers)


def _enter(connection: Connection, attempts: Mapping[str, int]) -> None:
    with connection, connection.cursor() as cursor:
        for origin, attempt in sorted(attempts.items()):
            cursor.execute(
                # Unless the stream was quicker: what it resolved stays so, and what it refused again is open.
                "UPDATE ops.dlq_events SET replayed_at = now()"
                " WHERE (topic, partition, source_offset) = (%s, %s, %s)"
                " AND resolved_at IS NULL AND attempts < %s",
                (*split_origin(origin), attempt),
            )
