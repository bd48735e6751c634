"""`python -m pipeline.train_jvm`: the stream's and the batch's transforms on made-up rows, then the end.

For a JVM that keeps the classes it has loaded when it ends (-XX:ArchiveClassesAtExit): no input, no output.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from pipeline.copy_format import to_lines
from pipeline.jobs import facts
from pipeline.jobs.dimensions import CUSTOMER_ATTRIBUTES, CUSTOMER_STATES, versions
from pipeline.jobs.session import open_batch_session
from pipeline.stream.warm_up import warm_up


def main() -> None:
    """Open a session, run everything once and close it; raise SettingsError."""
    session = open_batch_session()
    warm_up(session)
    states = versions(_rows(session, CUSTOMER_STATES), "customer", CUSTOMER_ATTRIBUTES)
    customers, products = (_rows(session, facts.member_keys(name)) for name in ("customer", "product"))
    orders = facts.winners(_rows(session, facts.ORDER_EVENTS).repartition(2, "order_id"))
    keyed = facts.with_keys(orders, customers.hint("broadcast"), products.hint("broadcast"))
    for lines in (to_lines(states, CUSTOMER_ATTRIBUTES), to_lines(keyed)):
        lines.mapInArrow(_count, "rows bigint").collect()
    _end(session)


def _end(session: SparkSession) -> None:
    """Stop Spark and wait for its JVM, which would otherwise write its archive behind our back."""
    gateway: Any = session.sparkContext._gateway
    session.stop()
    gateway.shutdown()
    gateway.proc.stdin.close()
    gateway.proc.wait()


def _rows(session: SparkSession, schema: StructType) -> DataFrame:
    """Return rows of `schema` that come from a worker, as the warehouse's do."""
    columns = [F.col("id").cast("string").try_cast(field.dataType).alias(field.name) for field in schema]
    return session.range(0, 100, 1, 2).select(*columns).mapInArrow(_same, schema)


def _same(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    yield from batches


def _count(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    rows = sum(batch.num_rows for batch in batches)
    yield pa.RecordBatch.from_pydict({"rows": pa.array([rows], pa.int64())})


if __name__ == "__main__":
    main()
