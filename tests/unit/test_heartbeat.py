"""The producer's heartbeat: there while Kafka takes what is sent, and no longer."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from producer.heartbeat import Heartbeat


@dataclass
class Delivery:
    """What is looked at of the real one."""

    delivered: Counter[str] = field(default_factory=Counter)
    in_flight: int = 0


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "alive"


def beats(heartbeat: Heartbeat, delivery: Delivery, file: Path) -> bool:
    file.unlink(missing_ok=True)
    heartbeat(delivery)  # type: ignore[arg-type]
    return file.exists()


def test_it_beats_while_messages_are_acknowledged_and_when_none_is_under_way(file):
    ticks = iter(range(0, 1000, 5))
    heartbeat, delivery = Heartbeat(file, lambda: next(ticks)), Delivery()
    assert beats(heartbeat, delivery, file)
    delivery.in_flight = 3
    assert not beats(heartbeat, delivery, file)
    delivery.delivered["created"] += 1
    assert beats(heartbeat, delivery, file)
    assert not beats(heartbeat, delivery, file)
    delivery.in_flight = 0
    assert beats(heartbeat, delivery, file)


def test_it_does_not_touch_the_disk_at_every_look(file):
    heartbeat = Heartbeat(file, lambda: 7.0)
    assert beats(heartbeat, Delivery(), file)
    assert not beats(heartbeat, Delivery(), file)
