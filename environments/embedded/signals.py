"""Signals that ask the supervisor to stop, and a wait that they cut short."""

import os
import select
import signal
import time
from types import FrameType

_STOP = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# One Ctrl-C may arrive twice: from the terminal, and passed on by a program such as make or uv.
_ONE_KEYPRESS_S = 0.5


class StopSignals:
    """Remembers requests to stop; SIGHUP comes from a closed terminal. To be made in the main thread."""

    def __init__(self) -> None:
        """Install the handlers."""
        self.requested = False
        self.forced = False
        self._first_at = 0.0
        self._read, self._write = os.pipe()
        os.set_blocking(self._read, False)
        os.set_blocking(self._write, False)
        for number in _STOP:
            signal.signal(number, self._handle)
        # A child's end also wakes the wait; without a handler Python would not write to the pipe.
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if not self.requested:
            self.requested, self._first_at = True, now
        elif number == signal.SIGINT and now - self._first_at > _ONE_KEYPRESS_S:
            self.forced = True

    def wait(self, seconds: float) -> None:
        """Wait for a signal, at most this long."""
        ready, _, _ = select.select([self._read], [], [], seconds)
        if ready:
            os.read(self._read, 4096)
