"""DataFrames into staging tables by COPY, each Spark partition in one transaction, each once."""

import io
from collections.abc import Collection, Iterable, Iterator
from contextlib import closing

import pyarrow as pa
from psycopg2.extensions import cursor as Cursor
from pyspark import TaskContext
from pyspark.sql import DataFrame

from pipeline.copy_format import to_lines
from pipeline.database import connect_patiently, database_in_words
from pipeline.jobs.seat import Seat, SeatLost
from pipeline.settings import PostgresSettings
from pipeline.spark_failures import spark_in_words

_RESULT = "rows bigint"
_READ_SIZE = 1 << 24


def load(
    rows: DataFrame,
    settings: PostgresSettings,
    seat: Seat,
    table: str,
    free_text: Collection[str] = (),
) -> int:
    """Append `rows`, whose columns are named like the table's, to staging.`table`; return how many.

    A task that Spark repeats after its commit finds its mark in staging.loads and adds nothing; so the rows
    of a partition must not depend on the attempt. `free_text` names the columns that need escaping.
    Raises SeatLost if the run no longer owns staging, DatabaseUnavailable, SparkFailed.
    """
    loader = _Loader(settings, seat, table, tuple(rows.columns))
    lines = to_lines(rows, free_text)
    with spark_in_words(SeatLost):
        return sum(row["rows"] for row in lines.mapInArrow(loader, _RESULT).collect())


class _Loader:
    def __init__(self, settings: PostgresSettings, seat: Seat, table: str, columns: tuple[str, ...]) -> None:
        self._settings = settings
        self._seat = seat
        self._table = table
        self._columns = columns

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        lines = _Lines(iter(batches))
        if lines.empty:
            return
        context = TaskContext.get()
        slice_ = context.partitionId() if context else 0
        with (
            database_in_words(),
            closing(connect_patiently(self._settings, "etl", "ecom-batch")) as connection,
            connection,
            connection.cursor() as cursor,
        ):
            self._seat.keep(cursor)
            rows = self._known(cursor, slice_)
            if rows is None:
                rows = self._copy(cursor, slice_, lines)
        yield pa.RecordBatch.from_pydict({"rows": pa.array([rows], pa.int64())})

    def _known(self, cursor: Cursor, slice_: int) -> int | None:
        cursor.execute(
            "SELECT rows FROM staging.loads WHERE table_name = %s AND slice = %s", (self._table, slice_)
        )
        found = cursor.fetchone()
        return int(found[0]) if found else None

    def _copy(self, cursor: Cursor, slice_: int, lines: "_Lines") -> int:
        statement = f"COPY staging.{self._table} ({', '.join(self._columns)}) FROM STDIN"
        cursor.copy_expert(statement, lines, size=_READ_SIZE)
        cursor.execute("INSERT INTO staging.loads VALUES (%s, %s, %s)", (self._table, slice_, lines.rows))
        return lines.rows


class _Lines(io.RawIOBase):
    """The file that COPY reads: the lines of an Arrow batch are one contiguous buffer."""

    def __init__(self, batches: Iterator[pa.RecordBatch]) -> None:
        self._batches = (batch for batch in batches if batch.num_rows)
        self._first = next(self._batches, None)
        self.empty = self._first is None
        self.rows = 0

    def read(self, _size: int = -1) -> bytes:
        # Longer than asked for is fine with psycopg2, which passes on whatever it gets.
        batch, self._first = self._first or next(self._batches, None), None
        if batch is None:
            return b""
        self.rows += batch.num_rows
        return text_buffer(batch.column("line"))


def text_buffer(lines: pa.Array) -> bytes:
    """Return the array's strings as they lie in memory, one after the other."""
    _, offsets, data = lines.buffers()
    if data is None:
        return b""
    bounds = memoryview(offsets).cast("i")
    return bytes(memoryview(data)[bounds[lines.offset] : bounds[lines.offset + len(lines)]])
