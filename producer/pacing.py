"""A steady rate: how many messages are due by now."""

import time
from collections.abc import Callable

# Short enough to look steady at a thousand a second, long enough to cost nothing.
TICK_S = 0.005
# Stop signals and the progress bar are looked at between bursts.
BURST = 500
# After a stall the schedule moves on instead of being caught up with at full speed.
MAX_DEBT_S = 1.0


class Pacer:
    """Tells how many messages are due; `rate` is messages per second, 0 for as fast as possible."""

    def __init__(self, rate: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._clock = clock
        self._origin = clock()
        self._granted = 0

    def due(self) -> int:
        """Return how many messages to send now, BURST at most, and count them as sent."""
        if not self._rate:
            return BURST
        debt_s = self._clock() - self._next_at()
        if debt_s > MAX_DEBT_S:
            self._origin += debt_s - MAX_DEBT_S
            debt_s = MAX_DEBT_S
        if debt_s < 0:
            return 0
        granted = min(1 + int(debt_s * self._rate), BURST)
        self._granted += granted
        return granted

    def pause_s(self) -> float:
        """Return how long to wait before `due` is worth asking again, in seconds."""
        if not self._rate:
            return 0.0
        until_next = self._next_at() - self._clock()
        # A burst that was cut short goes on at once.
        return max(until_next, TICK_S) if until_next > -TICK_S else 0.0

    def _next_at(self) -> float:
        return self._origin + self._granted / self._rate
