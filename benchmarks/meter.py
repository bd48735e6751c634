"""Watches what is committed, from outside the contender: visible rows over time."""

import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field

import numpy as np

from benchmarks.lab import Lab

_PROGRESS = "SELECT partition, next_offset FROM ops.stream_offsets WHERE topic = %s"


@dataclass
class Trace:
    """Samples of (seconds since the epoch, next offset by partition), as another connection saw them."""

    samples: list[tuple[float, dict[int, int]]] = field(default_factory=list)

    def total(self) -> int:
        """Return the offsets committed at the last sample."""
        return sum(self.samples[-1][1].values()) if self.samples else 0

    def rate(self, after: int) -> float:
        """Return offsets per second between the commit that passes `after` offsets and the last one."""
        points = [(moment, sum(offsets.values())) for moment, offsets in self.samples]
        start = next(point for point in points if point[1] >= after)
        end = next(point for point in points if point[1] == points[-1][1])
        return (end[1] - start[1]) / (end[0] - start[0]) if end[0] > start[0] else 0.0

    def seen_at(self, partition: int, offsets: np.ndarray) -> np.ndarray:
        """Return when each offset of a partition was first seen committed."""
        moments = np.array([moment for moment, _ in self.samples])
        following = np.array([by_partition.get(partition, 0) for _, by_partition in self.samples])
        return moments[np.searchsorted(following, offsets, side="right")]


@contextmanager
def watch(lab: Lab, topic: str, every_s: float) -> Iterator[Trace]:
    """Sample the committed offsets every `every_s` seconds for the duration of the block."""
    trace, done = Trace(), threading.Event()

    def sample() -> None:
        with closing(lab.connect()) as connection, connection.cursor() as cursor:
            connection.autocommit = True
            while not done.wait(every_s):
                cursor.execute(_PROGRESS, (topic,))
                # The clock is read after the answer: what is seen now was visible before.
                trace.samples.append((time.time(), dict(cursor.fetchall())))

    thread = threading.Thread(target=sample)
    thread.start()
    try:
        yield trace
    finally:
        done.set()
        thread.join()


def wait_until(
    trace: Trace, total: int, process: "subprocess.Popen[bytes]", timeout_s: float = 1_200
) -> None:
    """Wait until `total` offsets are committed; raise RuntimeError if the contender ends or stalls."""
    pause, deadline = threading.Event(), time.monotonic() + timeout_s
    while trace.total() < total:
        if process.poll() is not None:
            raise RuntimeError(f"exit code {process.returncode} after {trace.total():,} offsets")
        if time.monotonic() > deadline:
            raise RuntimeError(f"only {trace.total():,} of {total:,} committed within {timeout_s:.0f} s")
        pause.wait(0.05)
