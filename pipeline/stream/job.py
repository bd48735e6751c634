"""Wire the streaming query together: source, transforms, and a commit per Kafka partition."""

import logging
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial

import psycopg2
import pyarrow as pa
from psycopg2.extensions import connection as Connection
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.streaming.query import StreamingQuery

from pipeline.database import connect_patiently, database_in_words
from pipeline.kafka_client import answering
from pipeline.settings import KafkaSettings, PostgresSettings, StorageSettings, StreamSettings
from pipeline.stream.commit import RESULT_SCHEMA, commit_partition
from pipeline.stream.copy_lines import COMMIT_COLUMNS, to_commit_rows
from pipeline.stream.dead_letters import KafkaDeadLetterSink
from pipeline.stream.offsets import Offsets
from pipeline.stream.topic import spark_options
from pipeline.stream.validation import judge, parse
from pipeline.stream.worker_process import settle

log = logging.getLogger(__name__)

SPARK_CONF = {
    # Big enough to make a COPY read worth its while, small enough to overlap parsing with writing.
    "spark.sql.execution.arrow.maxRecordsPerBatch": "10000",
    # A batch of 1 MB messages must not become a 10 GB buffer.
    "spark.sql.execution.arrow.maxBytesPerBatch": str(64 << 20),
    # A plan is made per micro-batch: what only helps large joins costs latency here.
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.streaming.metricsEnabled": "false",
    # How soon Kafka is asked again after it had nothing: ten times a second instead of a hundred, each of
    # which costs the two of us a request for every partition's end. While orders come, nobody waits for it.
    "spark.sql.streaming.pollingDelay": "100ms",
    "spark.sql.streaming.minBatchesToRetain": "20",
}


@dataclass(frozen=True)
class StreamJob:
    """Everything that the query needs, parsed once."""

    postgres: PostgresSettings
    kafka: KafkaSettings
    stream: StreamSettings
    storage: StorageSettings

    @property
    def checkpoint(self) -> str:
        """The URI of this query's checkpoint."""
        return f"{self.storage.checkpoints}/{self.kafka.orders_topic}-stream"

    def start(self, session: SparkSession, starting_offsets: str, committed: Offsets) -> StreamingQuery:
        """Start the query; `starting_offsets` counts only where there is no checkpoint.

        `committed`: what `ops` holds now; each commit has to find that, and what followed, still there.
        """
        messages = (
            session.readStream.format("kafka")
            .options(**spark_options(self.kafka))
            .option("subscribe", self.kafka.orders_topic)
            .option("startingOffsets", starting_offsets)
            .option("maxOffsetsPerTrigger", self.stream.max_offsets_per_trigger)
            .option("includeHeaders", "true")
            .option("failOnDataLoss", "true")
            # Fewer, larger round trips than the consumer makes by default.
            .option("kafka.max.poll.records", "20000")
            .option("kafka.max.partition.fetch.bytes", "8388608")
            .load()
        )
        # Shaped once here rather than in each batch: building the columns costs more than a small batch.
        with_cleaned = bool(self.kafka.cleaned_topic)
        judged = judge(parse(messages, shortcut=not with_cleaned))
        return (
            to_commit_rows(judged, with_cleaned)
            .writeStream.queryName("orders-stream")
            .foreachBatch(partial(self._commit_batch, dict(committed)))
            .option("checkpointLocation", self.checkpoint)
            .trigger(processingTime=f"{self.stream.trigger_interval_ms} milliseconds")
            .start()
        )

    def _commit_batch(self, committed: dict[int, int], rows: DataFrame, batch_id: int) -> None:
        started = time.monotonic()
        writer = PartitionWriter(self.postgres, self.kafka, committed)
        done = rows.select(*COMMIT_COLUMNS).mapInArrow(writer, RESULT_SCHEMA).collect()
        # 0 is the next offset of a replayed batch that brought nothing new.
        committed.update((row["partition"], row["next_offset"]) for row in done if row["next_offset"])
        if self.kafka.cleaned_topic:
            self._publish_cleaned(rows)
        _log_batch(batch_id, done, time.monotonic() - started)

    def _publish_cleaned(self, rows: DataFrame) -> None:
        """Send valid events on with their amount; at least once, as a replayed batch sends again."""
        (
            rows.where(F.col("cleaned").isNotNull())
            .select(F.col("order_id").alias("key"), F.col("cleaned").alias("value"))
            .write.format("kafka")
            .options(**spark_options(self.kafka))
            .option("topic", self.kafka.cleaned_topic)
            .save()
        )


def _log_batch(batch_id: int, done: list[Row], seconds: float) -> None:
    events, doubled, dead = (
        sum(row[name] for row in done) for name in ("rows", "duplicate_rows", "dlq_rows")
    )
    if events:
        message = "batch %d: %d events in %.2f s (%.0f/s), %d duplicates, %d to the DLQ"
        log.info(message, batch_id, events, seconds, events / seconds, doubled, dead)


class PartitionWriter:
    """The function that Spark's workers run on a partition; connections live as long as their process."""

    _connection: Connection | None = None
    _sink: KafkaDeadLetterSink | None = None

    def __init__(self, postgres: PostgresSettings, kafka: KafkaSettings, committed: Offsets) -> None:
        self._postgres = postgres
        self._kafka = kafka
        self._committed = committed

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Commit one partition and yield its RESULT_SCHEMA row; nothing for an empty partition."""
        settle()
        try:
            # In words that survive the way to the driver, which is told the text alone.
            with database_in_words(), answering(self._kafka):
                topic, sink = self._kafka.orders_topic, self._open_sink()
                tally = commit_partition(self._connect(), topic, sink, iter(batches), self._committed)
        except Exception:
            # Whatever happened to them, the retry starts with new ones.
            self._forget()
            raise
        if tally is not None:
            row = {
                "partition": [tally.partition],
                "next_offset": [tally.until_offset],
                "rows": [tally.rows],
                "raw_rows": [tally.raw_rows],
                "duplicate_rows": [tally.duplicate_rows],
                "dlq_rows": [tally.dlq_rows],
            }
            types = [("partition", pa.int32()), *((name, pa.int64()) for name in list(row)[1:])]
            yield pa.RecordBatch.from_pydict(row, schema=pa.schema(types))

    def _connect(self) -> Connection:
        cls = type(self)
        if cls._connection is not None and not _alive(cls._connection):
            cls._connection = None
        if cls._connection is None:
            cls._connection = connect_patiently(self._postgres, "ingest", "ecom-stream")
        return cls._connection

    def _open_sink(self) -> KafkaDeadLetterSink:
        cls = type(self)
        if cls._sink is None:
            cls._sink = KafkaDeadLetterSink(self._kafka)
        return cls._sink

    def _forget(self) -> None:
        cls = type(self)
        if cls._connection is not None:
            cls._connection.close()
        cls._connection = cls._sink = None


def _alive(connection: Connection) -> bool:
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except psycopg2.Error:
        return False
    return True
