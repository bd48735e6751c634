"""Stop signals while the producer runs: the first one ends it in order, the second at once."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stop(threading.Event):
    """Set by the first stop signal, whose name it keeps."""

    signal_name: str | None = None


@contextmanager
def stop_on_signals() -> Iterator[Stop]:
    """Yield an event that the first stop signal sets; the second signal raises KeyboardInterrupt."""
    stop = Stop()

    def handle(number: int, frame: Any) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.signal_name = signal.Signals(number).name
        stop.set()

    before = {number: signal.signal(number, handle) for number in _SIGNALS}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
