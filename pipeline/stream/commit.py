"""One partition of a micro-batch, committed in one PostgreSQL transaction.

Rows, facts, DLQ ledger and the partition's next offset move together, so a replayed, half-written or doubled
micro-batch changes nothing: whatever is below `ops.stream_offsets.next_offset` is skipped.
Runs in Spark's Python workers on Arrow batches; nothing here runs per order.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

import pyarrow as pa
import pyarrow.compute as pc
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from pipeline.events import FIELDS
from pipeline.locks import WRITERS_LOCK
from pipeline.stream.dead_letters import DeadLetterSink, record_in_ledger
from pipeline.stream.staging import make_table, stage
from pipeline.stream.tally import Tally

RESULT_SCHEMA = (
    "partition int, next_offset bigint, rows bigint, raw_rows bigint, duplicate_rows bigint, dlq_rows bigint"
)

_FOLDER = Path(__file__).parent
_COMMIT_SQL = (_FOLDER / "commit.sql").read_text(encoding="utf-8")
_KNOWN_EVENTS_SQL = (_FOLDER / "known_events.sql").read_text(encoding="utf-8")


class WentBack(RuntimeError):
    """PostgreSQL no longer knows offsets that it had committed; the message says which."""


def commit_partition(
    connection: Connection,
    topic: str,
    sink: DeadLetterSink,
    batches: Iterator[pa.RecordBatch],
    committed: Mapping[int, int] = MappingProxyType({}),
) -> Tally | None:
    """Commit all of `batches` (COMMIT_COLUMNS of one partition, in offset order); None if there was no row.

    Invalid messages are acknowledged by the DLQ before the commit, so that they are never lost. Commits
    nothing but raises DoesNotAddUp unless each row is new in raw, known there, or in the DLQ; WentBack if
    PostgreSQL knows less than `committed`, the partitions' next offsets as the job has seen them committed.
    """
    filled = (batch for batch in batches if batch.num_rows)
    first = next(filled, None)
    if first is None:
        return None
    tally = Tally(_only_partition(first), first.column("offset")[0].as_py())
    with connection, connection.cursor() as cursor:
        make_table(cursor)
        next_offset = _lock_offset(cursor, topic, tally)
        _must_not_go_back(topic, tally.partition, next_offset, committed)
        stage(cursor, _unread(first, filled, next_offset), tally, topic, sink)
        if tally.rows:
            _apply(cursor, topic, tally)
    return tally


def _only_partition(batch: pa.RecordBatch) -> int:
    bounds = pc.min_max(batch.column("partition")).as_py()
    if bounds["min"] != bounds["max"]:
        raise ValueError(f"a commit takes one Kafka partition, not {bounds['min']} to {bounds['max']}")
    return int(bounds["min"])


def _lock_offset(cursor: Cursor, topic: str, tally: Tally) -> int:
    """Return the partition's next offset, -1 if it had none; its row lock keeps a forgotten driver out."""
    cursor.execute(
        "INSERT INTO ops.stream_offsets (topic, partition, first_offset, next_offset, committed_at)"
        " VALUES (%s, %s, %s, %s, now()) ON CONFLICT DO NOTHING",
        (topic, tally.partition, tally.from_offset, tally.from_offset),
    )
    if cursor.rowcount:
        return -1
    cursor.execute(
        "SELECT next_offset FROM ops.stream_offsets WHERE topic = %s AND partition = %s FOR UPDATE",
        (topic, tally.partition),
    )
    ((next_offset,),) = cursor.fetchall()
    return int(next_offset)


def _must_not_go_back(topic: str, partition: int, next_offset: int, committed: Mapping[int, int]) -> None:
    # A restored database, or a standby that was behind: what lies between would never be read again.
    known = committed.get(partition, -1)
    if next_offset < known:
        found = f"offset {next_offset} comes next" if next_offset >= 0 else "nothing is known of it"
        raise WentBack(
            f"{topic}/{partition}: {known} offsets were committed, and now {found} in ops.stream_offsets:"
            " PostgreSQL went back in time. A restart reads what is missing from Kafka again."
        )


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


def _apply(cursor: Cursor, topic: str, tally: Tally) -> None:
    cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", (WRITERS_LOCK,))
    if tally.staged_rows:
        _merge(cursor, topic, tally)
    tally.dlq_rows = record_in_ledger(cursor, tally.dead, tally.replayed_origins)
    tally.must_add_up(topic)
    _record_progress(cursor, topic, tally)


def _merge(cursor: Cursor, topic: str, tally: Tally) -> None:
    place = {"topic": topic, "partition": tally.partition}
    cursor.execute(_COMMIT_SQL, place | {"fields": list(FIELDS), "staged": tally.staged_rows})
    tally.raw_rows, tally.new_orders, not_taken = cursor.fetchone() or (0, 0, None)
    if not_taken:
        cursor.execute(_KNOWN_EVENTS_SQL, place | {"not_taken": not_taken})
        (tally.known_events,) = cursor.fetchone() or (0,)


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
        "new_orders": tally.new_orders,
    }
    cursor.execute(
        "UPDATE ops.stream_offsets SET next_offset = %(until_offset)s, raw_rows = raw_rows + %(raw)s,"
        " duplicate_rows = duplicate_rows + %(duplicates)s, dlq_rows = dlq_rows + %(dlq)s,"
        " committed_at = clock_timestamp() WHERE topic = %(topic)s AND partition = %(partition)s",
        values,
    )
    cursor.execute(
        "INSERT INTO ops.stream_commits VALUES (%(topic)s, %(partition)s, %(from_offset)s, %(until_offset)s,"
        " %(raw)s, %(duplicates)s, %(dlq)s, to_timestamp(%(max_timestamp)s), clock_timestamp(),"
        " %(new_orders)s)",
        values,
    )
