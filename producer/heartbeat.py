"""A file whose age says how long ago the producer got on: for whoever watches over its process."""

import time
from collections.abc import Callable
from pathlib import Path

from producer.delivery import Delivery

_EVERY_S = 1.0


class Heartbeat:
    """Touches the file while Kafka acknowledges what is sent, or there is nothing to acknowledge."""

    def __init__(self, file: Path, clock: Callable[[], float] = time.monotonic) -> None:
        """Take the file's place; the first look touches it."""
        self._file = file
        self._clock = clock
        self._due = clock()
        self._delivered = -1

    def __call__(self, delivery: Delivery) -> None:
        """Look at what was acknowledged since the last time; called many times a second."""
        if self._clock() < self._due:
            return
        delivered = delivery.delivered.total()
        if delivered != self._delivered or delivery.in_flight == 0:
            self._file.touch()
            self._due = self._clock() + _EVERY_S
        self._delivered = delivered
