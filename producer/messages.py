"""What the producer sends, and in which shares."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

Clock = Callable[[], int]
"""Tells the time in microseconds since the epoch."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Message(NamedTuple):
    """What is sent: `kind` says why, `event_id` is None where the value isn't a valid event."""

    kind: str
    key: bytes
    value: bytes
    event_id: str | None


@dataclass(frozen=True)
class Shares:
    """Shares of messages that aren't new orders placed just now; each 0 to 1, together at most 1."""

    updates: float = 0.0
    late: float = 0.0
    duplicate: float = 0.0
    invalid: float = 0.0

    def __post_init__(self) -> None:
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        for name, value in values.items():
            if not 0 <= value <= 1:
                raise ValueError(f"{name}={value}: a share is between 0 and 1")
        # A tolerance, because four decimal fractions that are 1 on paper may sum to a little more.
        if sum(values.values()) > 1 + 1e-9:
            parts = " + ".join(f"{name} {value:g}" for name, value in values.items() if value)
            raise ValueError(f"{parts} is more than 1: the shares are parts of the same messages")


def timestamp(microseconds: int) -> str:
    """Return microseconds since the epoch as the event's timestamp."""
    moment = _EPOCH + timedelta(microseconds=microseconds)
    return moment.isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"
