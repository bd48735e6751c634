"""Waiting for a condition, with what was seen instead when it does not come."""

import threading
import time
from collections.abc import Callable

TIMEOUT_S = 180.0


def until(
    condition: Callable[[], bool],
    what: str,
    seen: Callable[[], str] = str,
    timeout_s: float = TIMEOUT_S,
    poll_s: float = 0.1,
) -> None:
    """Wait until the condition holds; fail with `what`, and what `seen` tells, if it does not."""
    pause, since = threading.Event(), time.monotonic()
    while not condition():
        assert time.monotonic() - since < timeout_s, f"waited {timeout_s:.0f} s until {what}\n{seen()}"
        pause.wait(poll_s)
