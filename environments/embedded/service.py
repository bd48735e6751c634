"""What the supervisor runs: services that stay, and steps that run once."""

import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

Say = Callable[[str], None]
"""Tells the person who waits what a step is doing."""
Action = Callable[[], None]


@dataclass(frozen=True)
class Backoff:
    """How long to wait before a restart: doubling, and forgotten after a time of health."""

    first_s: float = 1.0
    most_s: float = 30.0
    forget_after_s: float = 60.0

    def delay(self, failures: int) -> float:
        """Return the wait before the restart that follows this many failures in a row (1 or more)."""
        # Past 2**16 the limit holds anyway, and the power would only grow.
        return float(min(self.most_s, self.first_s * 2 ** min(failures - 1, 16)))

    def failures(self, before: int, healthy_for_s: float) -> int:
        """Return the failures in a row after one more, given how long the service had been healthy."""
        return 1 if healthy_for_s >= self.forget_after_s else before + 1


def nothing() -> None:
    """Do nothing: most services need no preparation and leave nothing to tidy."""


@dataclass(frozen=True)
class Service:
    """A process that stays: how to start it, how to see that it is ready, how to stop it."""

    name: str
    command: tuple[str, ...]
    ready: Callable[[], bool]
    env: Mapping[str, str] = field(default_factory=dict)
    after: tuple[str, ...] = ()
    folder: Path | None = None
    user: str = ""
    without: tuple[str, ...] = ()  # beginnings of variables' names that it does not inherit
    prepare: Action = nothing
    tidy: Action = nothing  # done now and then while it runs, in the supervisor's only thread: to be quick
    stop_signal: signal.Signals = signal.SIGTERM
    stop_timeout_s: float = 30.0
    ready_timeout_s: float = 90.0
    first_attempts: int = 3  # a service that was never ready is a mistake to report, not to retry for ever
    backoff: Backoff = Backoff()
    address: str = ""


@dataclass(frozen=True)
class Step:
    """Something to do once before others may start; it runs in a thread and raises if it fails."""

    name: str
    action: Callable[[Say], None]
    after: tuple[str, ...] = ()


Unit = Service | Step


def in_order(units: Sequence[Unit]) -> list[Unit]:
    """Return the units so that each comes after those it needs, otherwise in the order given.

    The reverse is the order in which they stop. Raises ValueError on a cycle or a stranger.
    """
    names = {unit.name for unit in units}
    for unit in units:
        if strangers := set(unit.after) - names:
            raise ValueError(f"{unit.name} needs {', '.join(sorted(strangers))}: not among the units")
    ordered: list[Unit] = []
    while len(ordered) < len(units):
        done = {unit.name for unit in ordered}
        ready = (unit for unit in units if unit.name not in done and done.issuperset(unit.after))
        following = next(ready, None)
        if following is None:
            raise ValueError(f"a cycle among {', '.join(sorted(names - done))}")
        ordered.append(following)
    return ordered
