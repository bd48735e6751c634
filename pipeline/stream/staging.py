"""Arrow batches into a temporary table by COPY; what is invalid goes to the DLQ as it passes."""

import io
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc
from psycopg2.extensions import cursor as Cursor

from pipeline.stream.dead_letters import DeadLetter, DeadLetterSink, known_origins
from pipeline.stream.tally import Tally

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


def make_table(cursor: Cursor) -> None:
    """Make the temporary table staged_orders, once per connection."""
    cursor.execute(_STAGING_SQL)


def stage(
    cursor: Cursor, batches: Iterator[pa.RecordBatch], tally: Tally, topic: str, sink: DeadLetterSink
) -> None:
    """Copy the valid rows of `batches` into staged_orders, send the others on, and count both in `tally`."""
    lines = _Lines(batches, tally, topic, sink)
    while not lines.finished:
        cursor.copy_expert(_COPY_SQL, lines, size=_READ_SIZE)
        tally.copied_rows += cursor.rowcount
        lines.settle_claims(cursor)


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
            self._tally.repeated_failures += sum(letter.claim in known for letter in self._claiming)
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
