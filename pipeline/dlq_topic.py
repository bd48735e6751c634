"""What the DLQ topic holds, read to its end. Anybody may write there."""

import re
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from kafka import KafkaConsumer, TopicPartition

from pipeline.kafka_client import KafkaUnavailable, answering, reader_options
from pipeline.settings import KafkaSettings
from pipeline.stream.dead_letters import MAX_REQUEST_BYTES
from pipeline.stream.headers import ATTEMPT_HEADER, ATTEMPT_PATTERN, OMITTED_HEADER, ORIGIN_HEADER

_POLL_MS = 1000
_IDLE_POLLS = 30


class DlqError(RuntimeError):
    """A request that can't be met; the message says why."""


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

    @property
    def attempt(self) -> int:
        """How often it was read and refused; 1 where the header, which anybody may write, is no number."""
        text = self.headers.get(ATTEMPT_HEADER, "")
        return int(text) if re.fullmatch(ATTEMPT_PATTERN, text) else 1

    @property
    def whole(self) -> bool:
        """Whether its bytes are here: the topic takes no message above its limit."""
        return OMITTED_HEADER not in self.headers


def newest(messages: Iterable[Message], origins: Iterable[str]) -> dict[str, Message]:
    """Return the message of each of `origins` with the greatest attempt, the last read of equal ones.

    Not simply the last read: without a key each attempt lands in whatever partition.
    """
    wanted = set(origins)
    found: dict[str, Message] = {}
    for message in messages:
        best = found.get(message.origin)
        if message.origin in wanted and (best is None or message.attempt >= best.attempt):
            found[message.origin] = message
    return found


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
    # Of two headers of one name the first counts, as it does for the stream; a value may be null.
    headers = {name: (value or b"").decode("utf-8", "replace") for name, value in reversed(record.headers)}
    return Message(
        f"{record.topic}/{record.partition}/{record.offset}", record.key, record.value or b"", headers
    )
