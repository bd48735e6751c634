"""Sending with true counts: a message is delivered once Kafka has acknowledged it, and not before."""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol, TextIO

from kafka.errors import KafkaError, KafkaTimeoutError

from producer.messages import Message

# About a second's worth: enough to keep the broker busy, little enough to keep memory and losses small.
IN_FLIGHT_LIMIT = 10_000
_LOOK_AROUND_S = 0.1


class Client(Protocol):
    """What is used of kafka.KafkaProducer."""

    def send(self, topic: str, value: bytes, key: bytes) -> Any:
        """Return a future of the message's metadata."""

    def flush(self, timeout: float | None = None) -> None:
        """Wait until every future is done; raise KafkaTimeoutError after `timeout` seconds."""

    def close(self, timeout: float | None = None) -> None:
        """Flush, then end the sending thread."""


class Delivery:
    """Sends messages to one topic and counts what became of each.

    Callbacks come from the client's thread. `failed` messages were not acknowledged: they may be in the topic
    or not, and nobody claims that they are.
    """

    def __init__(
        self,
        client: Client,
        topic: str,
        report: TextIO | None = None,
        limit: int = IN_FLIGHT_LIMIT,
        patience_s: float = 60.0,
    ) -> None:
        """Send through `client`; a flush waits `patience_s` for news, more than its own timeout."""
        self._client = client
        self._topic = topic
        self._report = report
        self._limit = limit
        self._patience_s = patience_s
        self._room = threading.Event()
        self._lock = threading.Lock()
        self._closed = False
        self._settled = 0
        self._sent = 0
        self.produced: Counter[str] = Counter()
        self.delivered: Counter[str] = Counter()
        self.failed = 0
        self.broken: Exception | None = None
        """Why there's no point in going on."""
        self.last_error: Exception | None = None

    @property
    def in_flight(self) -> int:
        """Messages that Kafka has neither acknowledged nor refused yet."""
        return self._sent - self._settled

    def send(self, message: Message, stopped: Callable[[], bool] = lambda: False) -> bool:
        """Hand one message over; wait while too many are in flight. Return False if stopped or broken."""
        if self.in_flight >= self._limit and not self._wait_for_room(stopped):
            return False
        if self.broken is not None:
            return False
        self._sent += 1
        self.produced[message.kind] += 1
        try:
            future = self._client.send(self._topic, value=message.value, key=message.key)
        except KafkaError as error:
            self._on_failed(message, error)
            return False
        future.add_callback(self._on_delivered, message)
        future.add_errback(self._on_failed, message)
        return True

    def _wait_for_room(self, stopped: Callable[[], bool]) -> bool:
        # Until half is free: going on at the first free place would make batches of single messages.
        self._room.clear()
        while self.in_flight > self._limit // 2:
            self._room.wait(_LOOK_AROUND_S)
            # Once one batch has timed out, the client may never settle the others.
            if stopped() or self.broken is not None:
                return False
        return True

    def _settle(self) -> None:
        self._settled += 1
        if self.in_flight <= self._limit // 2:
            self._room.set()

    def flush(self) -> None:
        """Wait until Kafka has taken or refused everything, unless that is hopeless."""
        seen, since = self.in_flight, time.monotonic()
        while self.in_flight and self.broken is None and time.monotonic() - since < self._patience_s:
            # The client waits for ever for a batch that it has lost sight of, so it is asked again and again.
            with suppress(KafkaTimeoutError):
                self._client.flush(timeout=_LOOK_AROUND_S)
            if self.in_flight != seen:
                seen, since = self.in_flight, time.monotonic()

    def close(self) -> None:
        """End the client without waiting; what is unacknowledged now counts as failed from here on."""
        with self._lock:
            self._closed = True
            self.failed += self.in_flight
            self._settled = self._sent
        # close() flushes first and says so if that takes time, but those messages have been counted.
        with suppress(KafkaError):
            self._client.close(timeout=0)

    def _on_delivered(self, message: Message, metadata: Any) -> None:
        with self._lock:
            if self._closed:
                return
            self.delivered[message.kind] += 1
            if self._report is not None:
                self._write(self._report, message, metadata)
            self._settle()

    def _on_failed(self, message: Message, error: Exception) -> None:
        with self._lock:
            if self._closed:
                return
            self.failed += 1
            self.last_error = error
            # The client has tried for the whole delivery timeout, or was told that it may not write here.
            if isinstance(error, KafkaTimeoutError) or not getattr(error, "retriable", False):
                self.broken = error
            self._settle()

    def _write(self, report: TextIO, message: Message, metadata: Any) -> None:
        line = {
            "topic": metadata.topic,
            "partition": metadata.partition,
            "offset": metadata.offset,
            "kind": message.kind,
            "event_id": message.event_id,
        }
        try:
            report.write(json.dumps(line) + "\n")
        except OSError as error:
            # The client swallows what a callback raises.
            self.broken = error
