"""Where the stream starts: what `ops` says, unless Kafka has lost it or the checkpoint would skip orders."""

import json
from typing import Any

import pytest

from pipeline.stream import offsets
from pipeline.stream.offsets import OffsetsLost, TopicRange, behind, check_against_kafka, starting_offsets

HELD = TopicRange("orders", begin={0: 100, 1: 0}, end={0: 200, 1: 50})


@pytest.mark.parametrize(
    ("committed", "waiting"), [({}, 150), ({0: 100, 1: 0}, 150), ({0: 200, 1: 50}, 0), ({0: 250}, 50)]
)
def test_only_what_kafka_holds_is_waited_for(committed: dict[int, int], waiting: int):
    assert behind(committed, HELD) == waiting


@pytest.mark.parametrize("committed", [{}, {0: 100, 1: 0}, {0: 200, 1: 50}, {0: 150}])
def test_what_kafka_holds_can_be_read_on(committed: dict[int, int]):
    check_against_kafka(committed, HELD)


@pytest.mark.parametrize(
    ("committed", "said"),
    [
        (
            {0: 99},
            "orders/0 begins at offset 100, but offset 99 comes next: Kafka's retention removed 1 events",
        ),
        ({1: 51}, "orders/1 ends at offset 50, but 51 offsets of it are committed"),
        ({2: 0}, "orders/2 ends at offset None"),
    ],
)
def test_what_kafka_does_not_hold_is_refused_in_one_line(committed: dict[int, int], said: str):
    with pytest.raises(OffsetsLost) as refused:
        check_against_kafka(committed, HELD)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_without_any_commit_the_beginning_is_read():
    assert starting_offsets("orders", {}, HELD.end) == "earliest"


def test_the_start_is_what_comes_next_and_the_beginning_of_a_new_partition():
    assert json.loads(starting_offsets("orders", {1: 7}, {0: 9, 1: 9, 2: 9})) == {
        "orders": {"0": -2, "1": 7, "2": -2}
    }


class FakeCheckpoint:
    """A checkpoint that answers from memory and remembers whether it was set aside."""

    present = True
    restart: dict[int, int] | None = None
    aside = 0

    def __init__(self, *_: object) -> None:
        pass

    def exists(self) -> bool:
        return self.present

    def restart_offsets(self, topic: str) -> dict[int, int] | None:
        return self.restart

    def forget_unfinished(self) -> list[int]:
        return []

    def set_aside(self) -> str:
        type(self).aside += 1
        return "elsewhere"


ALL = TopicRange("orders", begin={0: 0, 1: 0}, end={0: 200, 1: 200})
AGED = TopicRange("orders", begin={0: 100, 1: 0}, end={0: 200, 1: 200})


@pytest.mark.parametrize(
    ("restart", "committed", "aside", "said"),
    [
        ({0: 5, 1: 5}, {0: 5, 1: 5}, 0, ""),
        ({0: 3}, {0: 5, 1: 5}, 0, ""),
        ({}, {0: 5}, 0, ""),
        ({}, {}, 0, ""),
        ({0: 0}, {}, 0, ""),
        ({0: 6, 1: 5}, {0: 5, 1: 5}, 1, "partition: offset {0: 6}"),
        ({0: 5, 1: 1}, {0: 5}, 1, "partition: offset {1: 1}"),
        (None, {0: 5}, 1, "can't be read"),
        (None, {}, 1, "can't be read"),
    ],
)
def test_a_checkpoint_that_could_skip_orders_is_set_aside(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    restart: dict[int, int] | None,
    committed: dict[int, int],
    aside: int,
    said: str,
):
    kind: Any = type("Checkpoint", (FakeCheckpoint,), {"restart": restart})
    monkeypatch.setattr(offsets, "Checkpoint", kind)
    offsets.reconcile(None, "file:/c", committed, ALL)  # type: ignore[arg-type]
    assert kind.aside == aside
    assert said in caplog.text
    assert bool(caplog.records) == bool(aside)


@pytest.mark.parametrize(
    ("restart", "committed", "aside", "said"),
    [
        ({0: 100, 1: 0}, {0: 150, 1: 9}, 0, ""),
        ({0: 99, 1: 0}, {0: 150, 1: 9}, 1, "what Kafka still holds (partition: offset {0: 99}"),
        # Spark would read a partition that the checkpoint does not know from 0.
        ({1: 5}, {0: 150, 1: 9}, 1, "what Kafka still holds (partition: offset {0: 0}"),
        ({}, {0: 150}, 0, ""),
        # Begun at what was the beginning already, and killed before the first commit.
        ({0: 100, 1: 0}, {}, 0, ""),
        ({0: 101, 1: 0}, {}, 1, "ahead of what was committed"),
    ],
)
def test_a_checkpoint_that_begins_with_what_retention_took_is_set_aside(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    restart: dict[int, int],
    committed: dict[int, int],
    aside: int,
    said: str,
):
    kind: Any = type("Checkpoint", (FakeCheckpoint,), {"restart": restart})
    monkeypatch.setattr(offsets, "Checkpoint", kind)
    offsets.reconcile(None, "file:/c", committed, AGED)  # type: ignore[arg-type]
    assert kind.aside == aside
    assert said in caplog.text


def test_without_a_checkpoint_nothing_is_set_aside(monkeypatch: pytest.MonkeyPatch):
    kind: Any = type("Checkpoint", (FakeCheckpoint,), {"present": False})
    monkeypatch.setattr(offsets, "Checkpoint", kind)
    offsets.reconcile(None, "file:/c", {0: 5}, ALL)  # type: ignore[arg-type]
    assert kind.aside == 0
