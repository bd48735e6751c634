"""One partition of a micro-batch, committed in one PostgreSQL transaction.

Rows, facts, DLQ ledger and the partition's next offset move together, so a replayed, half-written or doubled
micro-batch changes nothing: whatever is below `ops.stream_offsets.next_offset` is skipped.
Runs in Spark's Python workers on Arrow batches; nothing here runs per order.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from pipeline.database import WRITERS_LOCK
from pipeline.events import FIELDS
from pipeline.stream.dead_letters import DeadLetter, DeadLetterSink, known_origins, record_in_ledger

RESULT_SCHEMA = "partition int, rows bigint, raw_rows bigint, duplicate_rows bigint, dlq_rows bigint"

_COMMIT_SQL = Path(__file__).with_name("commit.sql").read_text(encoding="utf-8")
# Temporary, so unlogged and private; made once per connection, emptied by each commit.
_STAGING_SQL = """
CREATE TEMPORARY TABLE IF NOT EXISTS staged_orders (
    event_id uuid, event_type text, event_time timestamptz, schema_version text, order_id uuid,
    order_version integer, ordered_at timestamptz, customer_id bigint, product_id bigint, quantity integer,
    unit_price numeric(12, 2), currency text, status text, extra text, source_offset bigint,
    timestamp_ms bigint
) ON COMMIT DELETE ROWS
"""
_COPY_SQL = "COPY staged_orders FROM STDIN"
_READ_SIZE = 1 << 24


@dataclass
class Tally:
    """What one partition of one micro-batch came to."""

    partition: int
    from_offset: int
    until_offset: int = 0
    rows: int = 0
    staged_rows: int = 0
    raw_rows: int = 0
    dlq_rows: int = 0
    max_timestamp_ms: int = 0
    replayed_origins: list[str] = field(default_factory=list)
    dead: list[DeadLetter] = field(default_factory=list)

    @property
    def duplicate_rows(self) -> int:
        """Rows that were there already: known event_ids, and replays of a known origin that failed again."""
        return self.rows - self.raw_rows - self.dlq_rows


def commit_partition(
    connection: Connection, topic: str, sink: DeadLetterSink, batches: Iterator[pa.RecordBatch]
) -> Tally | None:
    """Commit all of `batches` (COMMIT_COLUMNS of one partition, in offset order); None if there was no row.

    Invalid messages are acknowledged by the DLQ before the commit, so that they are never lost.
    """
    filled = (batch for batch in batches if batch.num_rows)
    first = next(filled, None)
    if first is None:
        return None
    tally = Tally(_only_partition(first), first.column("offset")[0].as_py())
    with connection, connection.cursor() as cursor:
        cursor.execute(_STAGING_SQL)
        next_offset = _lock_offset(cursor, topic, tally)
        lines = _Lines(_unread(first, filled, next_offset), tally, topic, sink)
        while not lines.finished:
            cursor.copy_expert(_COPY_SQL, lines, size=_READ_SIZE)
            lines.settle_claims(cursor)
        if tally.rows:
            _apply(cursor, topic, tally)
    return tally


def _only_partition(batch: pa.RecordBatch) -> int:
    bounds = pc.min_max(batch.column("partition")).as_py()
    if bounds["min"] != bounds["max"]:
        raise ValueError(f"a commit takes one Kafka partition, not {bounds['min']} to {bounds['max']}")
    return int(bounds["min"])


def _lock_offset(cursor: Cursor, topic: str, tally: Tally) -> int:
    """Return the partition's next offset; its row lock keeps a second, forgotten driver out."""
    cursor.execute(
        "INSERT INTO ops.stream_offsets (topic, partition, first_offset, next_offset, committed_at)"
        " VALUES (%s, %s, %s, %s, now()) ON CONFLICT DO NOTHING",
        (topic, tally.partition, tally.from_offset, tally.from_offset),
    )
    cursor.execute(
        "SELECT next_offset FROM ops.stream_offsets WHERE topic = %s AND partition = %s FOR UPDATE",
        (topic, tally.partition),
    )
    (next_offset,) = cursor.fetchone() or (tally.from_offset,)
    return int(next_offset)


def _unread(
    first: pa.RecordBatch, rest: Iterator[pa.RecordBatch], next_offset: int
) -> Iterator[pa.RecordBatch]:
    batch: pa.RecordBatch | None = first
    while batch is not None:
        if batch.column("offset")[0].as_py() < next_offset:
            batch = batch.filter(pc.greater_equal(batch.column("offset"), next_offset))
        if batch.num_rows:
            yield batch
        batch = next(rest, None)


class _Lines(io.RawIOBase):
    """The file that COPY reads: each Arrow batch's lines are one contiguous buffer already.

    Invalid messages are sent on as they pass, so that no more than one Arrow batch of them is held.
    """

    def __init__(
        self,
        batches: Iterator[pa.RecordBatch],
        tally: Tally,
        topic: str,
        sink: DeadLetterSink,
    ) -> None:
        self._batches = batches
        self._tally = tally
        self._topic = topic
        self._sink = sink
        self._claiming: list[DeadLetter] = []
        self.finished = False

    def read(self, _size: int = -1) -> bytes:
        # Longer than asked for is fine with psycopg2, which passes on whatever it gets.
        while not self._claiming:
            batch = next(self._batches, None)
            if batch is None:
                self.finished = True
                return b""
            self._count(batch)
            payload = _text_buffer(batch.column("line"))
            if payload:
                return payload
        return b""  # ends this COPY: only then can the ledger be asked

    def settle_claims(self, cursor: Cursor) -> None:
        """Send on the messages that say they were in the DLQ before, under the origin that is true."""
        if self._claiming:
            known = known_origins(cursor, (letter.claim for letter in self._claiming))
            self._pass_on([letter.settled(known) for letter in self._claiming])
            self._claiming = []

    def _count(self, batch: pa.RecordBatch) -> None:
        tally, lines = self._tally, batch.column("line")
        if not tally.rows:
            tally.from_offset = batch.column("offset")[0].as_py()
        tally.rows += batch.num_rows
        tally.staged_rows += batch.num_rows - lines.null_count
        tally.until_offset = batch.column("offset")[-1].as_py() + 1
        tally.max_timestamp_ms = max(tally.max_timestamp_ms, pc.max(batch.column("timestamp_ms")).as_py())
        if lines.null_count:
            dead = [
                DeadLetter.from_row(row, self._topic) for row in batch.filter(pc.is_null(lines)).to_pylist()
            ]
            self._claiming = [letter for letter in dead if letter.claim]
            self._pass_on([letter for letter in dead if not letter.claim])
        origins = batch.column("origin")
        if origins.null_count < batch.num_rows:
            replayed = pc.and_(pc.is_valid(origins), pc.is_valid(lines))
            tally.replayed_origins.extend(origins.filter(replayed).to_pylist())

    def _pass_on(self, letters: list[DeadLetter]) -> None:
        self._sink.send(letters)
        self._tally.dead.extend(letter.without_payload() for letter in letters)


def _text_buffer(lines: pa.Array) -> bytes:
    _, offsets, data = lines.buffers()
    if data is None:
        return b""
    bounds = memoryview(offsets).cast("i")
    return bytes(memoryview(data)[bounds[lines.offset] : bounds[lines.offset + len(lines)]])


def _apply(cursor: Cursor, topic: str, tally: Tally) -> None:
    cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", (WRITERS_LOCK,))
    if tally.staged_rows:
        cursor.execute(_COMMIT_SQL, {"topic": topic, "partition": tally.partition, "fields": list(FIELDS)})
        (tally.raw_rows,) = cursor.fetchone() or (0,)
    tally.dlq_rows = record_in_ledger(cursor, tally.dead, tally.replayed_origins)
    _record_progress(cursor, topic, tally)


def _record_progress(cursor: Cursor, topic: str, tally: Tally) -> None:
    values = {
        "topic": topic,
        "partition": tally.partition,
        "from_offset": tally.from_offset,
        "until_offset": tally.until_offset,
        "raw": tally.raw_rows,
        "duplicates": tally.duplicate_rows,
        "dlq": tally.dlq_rows,
        "max_timestamp": tally.max_timestamp_ms / 1000,
    }
    cursor.execute(
        "UPDATE ops.stream_offsets SET next_offset = %(until_offset)s, raw_rows = raw_rows + %(raw)s,"
        " duplicate_rows = duplicate_rows + %(duplicates)s, dlq_rows = dlq_rows + %(dlq)s,"
        " committed_at = clock_timestamp() WHERE topic = %(topic)s AND partition = %(partition)s",
        values,
    )
    cursor.execute(
        "INSERT INTO ops.stream_commits VALUES (%(topic)s, %(partition)s, %(from_offset)s, %(until_offset)s,"
        " %(raw)s, %(duplicates)s, %(dlq)s, to_timestamp(%(max_timestamp)s), clock_timestamp())",
        values,
    )
