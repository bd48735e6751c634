"""Where the stream starts: `ops.stream_offsets` is the truth, the checkpoint has to agree with it.

A checkpoint behind `ops` is safe (the commit skips what is there already). One ahead of it, or unreadable,
would lose orders silently, so it is set aside and the stream starts from `ops`. Where Kafka itself no longer
has what `ops` asks for, the start is refused.
"""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.stream.checkpoint import Checkpoint

if TYPE_CHECKING:  # verify and the commands use what is here without Spark
    from pyspark.sql import SparkSession

log = logging.getLogger(__name__)

Offsets = Mapping[int, int]
"""Partition -> offset."""

_EARLIEST = -2  # Spark's own mark in startingOffsets


class OffsetsLost(RuntimeError):
    """Kafka and `ops` can't be brought together; the message says what was found and what can be done."""


class TopicMissing(RuntimeError):
    """The topic does not exist (yet); the message names it."""


@dataclass(frozen=True)
class TopicRange:
    """The offsets that a topic holds now: begin is the first readable one, end the next one to be written."""

    topic: str
    begin: Offsets
    end: Offsets


def behind(committed: Offsets, held: TopicRange) -> int:
    """Return how many offsets that Kafka holds are not committed; what it removed is nobody's to read."""
    return sum(
        max(0, end - committed.get(partition, held.begin.get(partition, 0)))
        for partition, end in held.end.items()
    )


def check_against_kafka(committed: Offsets, held: TopicRange) -> None:
    """Raise OffsetsLost if Kafka no longer has, or never had, what `committed` says comes next."""
    for partition, next_offset in sorted(committed.items()):
        place = f"{held.topic}/{partition}"
        end = held.end.get(partition)
        if end is None or next_offset > end:
            raise OffsetsLost(
                f"{place} ends at offset {end}, but {next_offset} offsets of it are committed in"
                " ops.stream_offsets: the topic was deleted or recreated. What is stored keeps the old one's"
                " offsets, so let the new topic have another name (ECOM_KAFKA_ORDERS_TOPIC)."
            )
        begin = held.begin.get(partition, 0)
        if next_offset < begin:
            raise OffsetsLost(
                f"{place} begins at offset {begin}, but offset {next_offset} comes next: Kafka's retention"
                f" removed {begin - next_offset} events before they were read. To go on without them:"
                " `ecom stream skip --to-earliest`."
            )


def starting_offsets(topic: str, committed: Offsets, partitions: Offsets) -> str:
    """Return Spark's `startingOffsets`: what `ops` says comes next, the beginning for new partitions."""
    if not committed:
        return "earliest"
    start = {str(partition): committed.get(partition, _EARLIEST) for partition in sorted(partitions)}
    return json.dumps({topic: start})


def reconcile(session: "SparkSession", location: str, committed: Offsets, held: TopicRange) -> None:
    """Make a restart from the checkpoint at `location` (URI) safe, or set it aside where it can't be.

    It can't be where it could skip anything uncommitted, nor where it begins with what Kafka no longer holds:
    Spark would fail at each start. A batch begun and not finished is planned anew.
    """
    checkpoint = Checkpoint(session, location)
    if not checkpoint.exists():
        return
    start = checkpoint.restart_offsets(held.topic)
    problem = _disagreement(start, committed, held.begin)
    if problem:
        kept = checkpoint.set_aside()
        log.warning(
            "checkpoint %s set aside as %s: %s; starting from ops.stream_offsets", location, kept, problem
        )
    elif unfinished := checkpoint.forget_unfinished():
        log.info("batches %s were not finished; they are planned anew", unfinished)


def _disagreement(start: Offsets | None, committed: Offsets, begin: Offsets) -> str | None:
    if start is None:
        return "it can't be read"
    # Where nothing is committed yet, nobody can read what is below the beginning.
    ahead = {p: at for p, at in start.items() if at > committed.get(p, begin.get(p, 0))}
    if ahead:
        return f"it is ahead of what was committed (partition: offset {ahead}, committed {dict(committed)})"
    # A partition that it does not know it would read from 0.
    removed = {p: start.get(p, 0) for p, first in begin.items() if start and start.get(p, 0) < first}
    if removed:
        return (
            f"it begins before what Kafka still holds (partition: offset {removed}, held from {dict(begin)})"
        )
    return None
