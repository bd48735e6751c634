"""The supervised stream's checkpoint as its files say it, read while nobody writes them or between writes."""

import json
from pathlib import Path

from tests.faults.stack import Stack


class CheckpointFiles:
    """`offsets` holds the batches that were planned, `commits` those that were finished."""

    def __init__(self, stack: Stack) -> None:
        self._topic = stack.kafka.orders_topic
        self.folder = stack.home.root / "checkpoints" / f"{self._topic}-stream"

    def planned(self) -> int:
        return max(_batches(self.folder / "offsets"), default=-1)

    def finished(self) -> int:
        return max(_batches(self.folder / "commits"), default=-1)

    def in_batch(self) -> bool:
        return self.planned() > self.finished()

    def end_of(self, batch: int) -> dict[int, int]:
        """Return the offsets at which a planned batch ends, by partition; empty before its file is there."""
        try:
            lines = (self.folder / "offsets" / str(batch)).read_text(encoding="utf-8").splitlines()
            by_partition = json.loads(lines[2])[self._topic]
        except (OSError, IndexError, ValueError):
            return {}
        return {int(partition): offset for partition, offset in by_partition.items()}


def _batches(folder: Path) -> list[int]:
    return [int(path.name) for path in folder.iterdir() if path.name.isdecimal()] if folder.exists() else []
