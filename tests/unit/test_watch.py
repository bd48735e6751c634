"""The driver's watch over its query: when a stop takes effect, and what a failure says."""

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from pyspark.errors import StreamingQueryException

from pipeline.stream.watch import Pulse, StreamFailed, finish_batch, watch


class Query:
    """A query under backlog: its trigger never rests, and each look brings it nearer to the batch's end."""

    def __init__(self, reports: Iterator[Any], active: bool = True) -> None:
        self._reports = reports
        self.status = {"isTriggerActive": active}
        self.stopped_at: list[Any] = []
        self.last: Any = None

    @property
    def lastProgress(self) -> Any:
        self.last = next(self._reports, self.last)
        return self.last

    def awaitTermination(self, timeout: float) -> bool:
        return False

    def stop(self) -> None:
        self.stopped_at.append(self.last)


def report(batch: int, second: int = 0) -> dict[str, Any]:
    return {"batchId": batch, "timestamp": f"2026-01-01T00:00:{second:02}.000Z"}


def stopped(query: Query, patience_s: float = 5) -> Any:
    began = time.monotonic()
    finish_batch(query, patience_s)  # type: ignore[arg-type]
    assert time.monotonic() - began < 3
    (last,) = query.stopped_at
    return last


def test_a_backlog_does_not_keep_it_from_stopping_after_the_running_batch():
    assert stopped(Query(iter([report(6), report(6), report(6), report(7), report(8)]))) == report(7)


def test_the_first_batch_of_all_is_finished_too():
    assert stopped(Query(iter([None, None, report(0)]))) == report(0)


def test_an_idle_report_names_the_batch_that_runs_now_and_is_not_its_end():
    assert stopped(Query(iter([report(7, 1), report(7, 1), report(7, 9)]))) == report(7, 9)


def test_without_a_batch_it_stops_at_once():
    assert stopped(Query(iter([report(7)]), active=False), patience_s=60) == report(7)


def test_patience_ends():
    assert stopped(Query(iter([report(7)])), patience_s=0.1) == report(7)


def test_an_end_by_itself_is_told_and_a_failure_is_not_swallowed():
    query: Any = Query(iter([]))
    query.awaitTermination = lambda timeout: True
    with pytest.raises(StreamFailed, match="ended by itself"):
        watch(query, threading.Event(), lambda: None)

    def fail(timeout: float) -> bool:
        raise StreamingQueryException("no reason given")

    query.awaitTermination = fail
    with pytest.raises(StreamingQueryException):
        watch(query, threading.Event(), lambda: None)


def test_it_tells_of_each_micro_batch_and_not_of_one_that_hangs():
    told: list[Any] = []
    query = Query(iter([report(6), report(7), report(7), report(7)]))
    pulse = Pulse(query, lambda: told.append(query.last))  # type: ignore[arg-type]
    for _ in range(4):
        pulse()
    assert told == [report(6), report(7)]


def test_a_query_that_waits_for_events_is_alive():
    told: list[int] = []
    pulse = Pulse(Query(iter([]), active=False), lambda: told.append(1))  # type: ignore[arg-type]
    for _ in range(3):
        pulse()
    assert len(told) == 3


def test_the_house_is_kept_until_the_stop():
    stop, done = threading.Event(), []

    def keep_house() -> None:
        done.append(1)
        if len(done) == 3:
            stop.set()

    query: Any = Query(iter([]), active=False)
    watch(query, stop, keep_house)
    assert len(done) == 3
