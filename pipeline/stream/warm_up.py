"""Run the job's own transforms on made-up messages before the first real one comes.

A cold JVM took some 15 s over its first micro-batch (class loading, code generation, the workers' imports).
Paid here, it overlaps with the start of PostgreSQL and Kafka instead of delaying the first orders.
"""

from collections.abc import Iterable, Iterator

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from pipeline.events import SCHEMA_VERSION, OrderEvent
from pipeline.stream.commit import RESULT_SCHEMA
from pipeline.stream.copy_lines import to_commit_rows
from pipeline.stream.validation import judge, parse
from pipeline.stream.worker_process import settle

ROUNDS = 3
_MESSAGES = 5_000
_SAMPLE = OrderEvent(
    event_id="00000000-0000-7000-8000-000000000000",
    event_type="created",
    event_time="2000-01-01T00:00:00.000000Z",
    schema_version=SCHEMA_VERSION,
    order_id="00000000-0000-7000-8000-000000000000",
    order_version=1,
    ordered_at="2000-01-01T00:00:00.000000Z",
    customer_id=1,
    product_id=1,
    quantity=1,
    unit_price="1.00",
    currency="EUR",
    status="placed",
)


def warm_up(session: SparkSession) -> None:
    """Parse, judge and hand over ROUNDS batches of messages, most valid and some not; nothing is written."""
    for _ in range(ROUNDS):
        to_commit_rows(judge(parse(_messages(session)))).mapInArrow(_count, RESULT_SCHEMA).collect()


def _messages(session: SparkSession) -> DataFrame:
    """Return rows with the columns of Spark's Kafka source."""
    valid = F.lit(_SAMPLE.to_bytes().decode())
    text = (
        F.when(F.col("id") % 50 == 0, F.concat(valid, F.lit(" ")))
        .when(F.col("id") % 51 == 0, "{")
        .otherwise(valid)
    )
    return session.range(_MESSAGES).select(
        F.lit(None).cast("binary").alias("key"),
        # Not foldable, or Spark would judge one message at planning time and be done.
        F.concat(text, F.substring(F.col("id").cast("string"), 1, 0)).cast("binary").alias("value"),
        F.lit("warm-up").alias("topic"),
        F.spark_partition_id().alias("partition"),
        F.col("id").alias("offset"),
        F.lit("2000-01-01 00:00:00").cast("timestamp").alias("timestamp"),
        F.array().cast("array<struct<key:string,value:binary>>").alias("headers"),
    )


def _count(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    import psycopg2  # noqa: F401 (the worker's own import is what is warmed up)

    settle()
    for _ in batches:
        pass
    return iter(())
