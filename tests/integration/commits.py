"""Arrow batches as Spark hands them to a commit, made without Spark."""

from collections.abc import Iterable, Sequence
from contextlib import closing
from typing import Any

import pyarrow as pa

from pipeline.database import connect
from pipeline.settings import PostgresSettings
from pipeline.stream.commit import commit_partition
from pipeline.stream.dead_letters import DeadLetter
from pipeline.stream.tally import Tally
from tests.integration.samples import RECEIVED_MS

SCHEMA = pa.schema(
    [("partition", pa.int32()), ("offset", pa.int64()), ("timestamp_ms", pa.int64())]
    + [(name, pa.string()) for name in ("line", "reason", "detail")]
    + [(name, pa.binary()) for name in ("key", "value")]
    + [(name, pa.string()) for name in ("origin", "attempt")]
)
Row = dict[str, Any]


class Sink:
    """A DLQ in memory."""

    def __init__(self) -> None:
        self.letters: list[DeadLetter] = []

    def send(self, letters: Sequence[DeadLetter]) -> None:
        self.letters.extend(letters)


class FailingSink:
    """A DLQ whose broker is away."""

    def send(self, letters: Sequence[DeadLetter]) -> None:
        raise ConnectionError("no broker")


def valid(content: dict[str, Any], extra: str | None = None, **headers: str) -> Row:
    """Return the row of a valid event; its line is finished by `batch`, which knows the offset."""
    escaped = "\\N" if extra is None else extra.replace("\\", "\\\\").replace("\t", "\\t")
    return {"line": "\t".join([*map(str, content.values()), escaped]), **headers}


def invalid(value: bytes = b"{", reason: str = "malformed_json", **headers: str) -> Row:
    """Return the row of an invalid message."""
    return {"reason": reason, "detail": "", "value": value, **headers}


def batch(rows: Iterable[Row], first_offset: int = 0, partition: int = 0) -> pa.RecordBatch:
    """Return one Arrow batch with consecutive offsets."""
    whole = []
    for offset, row in enumerate(rows, first_offset):
        place = {"partition": partition, "offset": offset, "timestamp_ms": RECEIVED_MS + offset}
        line = finished(row["line"], offset) if "line" in row else None
        whole.append({**place, **row, "line": line})
    return pa.RecordBatch.from_pylist(whole, schema=SCHEMA)


def finished(line: str, offset: int) -> str:
    """Return a line of COPY's text format with its place and its end."""
    return f"{line}\t{offset}\t{RECEIVED_MS + offset}\n"


def commit(
    settings: PostgresSettings,
    rows: Iterable[Row],
    first_offset: int = 0,
    partition: int = 0,
    topic: str = "orders",
) -> Tally:
    """Commit rows over a connection of their own, as the role that the stream has."""
    with closing(connect(settings, "ingest", "tests")) as connection:
        batches = iter([batch(rows, first_offset, partition)])
        tally = commit_partition(connection, topic, Sink(), batches)
    assert tally is not None
    return tally
