"""Invalid messages: to the DLQ topic with their raw bytes and a reason, and into the ledger in `ops`."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from kafka import KafkaProducer
from kafka.errors import MessageSizeTooLargeError
from psycopg2.extensions import cursor as Cursor
from psycopg2.extras import execute_values

from pipeline.kafka_client import client_options
from pipeline.settings import KafkaSettings
from pipeline.stream.headers import (
    ATTEMPT_HEADER,
    ATTEMPT_PATTERN,
    OMITTED_HEADER,
    ORIGIN_HEADER,
    ORIGIN_PATTERN,
)

REASON_HEADER = "ecom-reason"
DETAIL_HEADER = "ecom-detail"
FLUSH_TIMEOUT_S = 30
# Above any broker's limit for a topic, so that the broker decides what is too large.
MAX_REQUEST_BYTES = 64 << 20
# An idempotent producer is of no use once a broker has refused a message for its size; what is sent twice
# counts once, by its origin.
SENDING: dict[str, Any] = {"acks": "all", "enable_idempotence": False, "max_request_size": MAX_REQUEST_BYTES}


@dataclass(frozen=True)
class DeadLetter:
    """One invalid message; `origin` is the topic/partition/offset where it was first read.

    `claim` is the origin that its headers name; it counts once the ledger is found to know it.
    """

    origin: str
    timestamp_ms: int
    reason: str
    detail: str
    attempt: int
    key: bytes | None = None
    value: bytes | None = None
    claim: str = ""
    omitted_bytes: int = 0

    @classmethod
    def from_row(cls, row: dict[str, Any], topic: str) -> "DeadLetter":
        """Build one from a row of COMMIT_COLUMNS that was read from `topic`."""
        claimed = is_origin(row["origin"])
        attempt = row["attempt"] or ""
        return cls(
            origin=f"{topic}/{row['partition']}/{row['offset']}",
            timestamp_ms=row["timestamp_ms"],
            reason=row["reason"],
            detail=row["detail"],
            attempt=int(attempt) if claimed and re.fullmatch(ATTEMPT_PATTERN, attempt) else 1,
            key=row["key"],
            value=row["value"],
            claim=row["origin"] if claimed else "",
        )

    def settled(self, known: Iterable[str]) -> "DeadLetter":
        """Return it with its claim granted if `known` has it, else as a message first read here."""
        if self.claim in known:
            return replace(self, origin=self.claim, claim="")
        return replace(self, attempt=1, claim="")

    def without_payload(self) -> "DeadLetter":
        """Return what the ledger needs; payloads can be a megabyte each."""
        size = len(self.key or b"") + len(self.value or b"")
        return replace(self, key=None, value=None, omitted_bytes=size)


def is_origin(text: str | None) -> bool:
    """Return whether `text` reads topic/partition/offset."""
    return re.fullmatch(ORIGIN_PATTERN, text or "") is not None


def split_origin(origin: str) -> tuple[str, int, int]:
    """Return topic, partition and offset of a well-formed origin."""
    topic, partition, offset = origin.split("/")
    return topic, int(partition), int(offset)


def origin_columns(origins: Iterable[str]) -> tuple[list[Any], ...]:
    """Return the topics, partitions and offsets of well-formed origins, as arrays to look them up by key."""
    parts = [split_origin(origin) for origin in sorted(set(origins))]
    return tuple([part[index] for part in parts] for index in range(3))


class DeadLetterSink(Protocol):
    """Where invalid messages go; `send` returns once all are acknowledged, or raises."""

    def send(self, letters: Sequence[DeadLetter]) -> None:
        """Send `letters` and wait for their acknowledgement."""


class KafkaDeadLetterSink:
    """The DLQ topic; the producer is opened by the first invalid message."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._producer: KafkaProducer | None = None

    def send(self, letters: Sequence[DeadLetter]) -> None:
        """Send `letters` and wait for the acknowledgement of each; raise KafkaError if one is refused.

        One that is too large for the topic goes there without its payload: limits are for what is compressed,
        so what came in may be longer than what can go out, and no message may keep the stream from going on.
        """
        if not letters:
            return
        if self._producer is None:
            self._producer = KafkaProducer(**client_options(self._settings), **SENDING)
        too_large = self._send_all(self._producer, letters)
        refused = self._send_all(self._producer, [letter.without_payload() for letter in too_large])
        if refused:
            raise MessageSizeTooLargeError(f"{refused[0].origin}, even without its payload")

    def _send_all(self, producer: KafkaProducer, letters: Sequence[DeadLetter]) -> list[DeadLetter]:
        """Return those that are too large."""
        pending = [self._send_one(producer, letter) for letter in letters]
        producer.flush(FLUSH_TIMEOUT_S)
        too_large = []
        for letter, future in zip(letters, pending, strict=True):
            try:
                future.get(FLUSH_TIMEOUT_S)
            except MessageSizeTooLargeError:
                too_large.append(letter)
        return too_large

    def _send_one(self, producer: KafkaProducer, letter: DeadLetter) -> Any:
        headers = {
            REASON_HEADER: letter.reason,
            DETAIL_HEADER: letter.detail,
            ORIGIN_HEADER: letter.origin,
            ATTEMPT_HEADER: str(letter.attempt),
        }
        if letter.omitted_bytes:
            headers[OMITTED_HEADER] = str(letter.omitted_bytes)
        return producer.send(
            self._settings.dlq_topic,
            # A null value would be a tombstone; the reason says that it was empty.
            value=letter.value or b"",
            key=letter.key,
            headers=[(name, text.encode()) for name, text in headers.items()],
        )


def known_origins(cursor: Cursor, origins: Iterable[str]) -> set[str]:
    """Return those of `origins` that the ledger holds."""
    cursor.execute(
        "SELECT topic || '/' || partition || '/' || source_offset FROM ops.dlq_events"
        " WHERE (topic, partition, source_offset) IN"
        " (SELECT * FROM unnest(%s::text[], %s::int[], %s::bigint[]))",
        origin_columns(origins),
    )
    return {origin for (origin,) in cursor.fetchall()}


def record_in_ledger(cursor: Cursor, letters: Sequence[DeadLetter], replayed: Sequence[str]) -> int:
    """Enter `letters` by origin and close the origins in `replayed`; return how many origins were new."""
    for origin in sorted(filter(is_origin, replayed)):
        cursor.execute(
            "UPDATE ops.dlq_events SET resolved_at = now()"
            " WHERE (topic, partition, source_offset) = (%s, %s, %s)",
            split_origin(origin),
        )
    if not letters:
        return 0
    rows = {
        split_origin(letter.origin): (
            letter.reason,
            letter.detail,
            letter.attempt,
            letter.timestamp_ms / 1000,
        )
        for letter in letters
    }
    entered = execute_values(
        cursor,
        "INSERT INTO ops.dlq_events"
        " (topic, partition, source_offset, reason, detail, attempts, source_timestamp) VALUES %s"
        " ON CONFLICT (topic, partition, source_offset) DO UPDATE SET reason = excluded.reason,"
        " detail = excluded.detail, attempts = excluded.attempts, last_seen_at = now(), replayed_at = NULL"
        " RETURNING (xmax = 0)::int",
        [(*origin, *entry) for origin, entry in sorted(rows.items())],
        template="(%s, %s, %s, %s, %s, %s, to_timestamp(%s))",
        fetch=True,
    )
    return sum(new for (new,) in entered)
