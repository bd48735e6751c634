"""Peer: the stock Spark recipe. foreachBatch, the JDBC writer into staging, then an upsert on the driver.

As the guides have it: a session with Spark's and the JVM's own defaults, an ordinary staging table, and
`reWriteBatchedInserts` with 10,000 rows a round. It trusts its input; it only casts.
"""

import os
import sys

import psycopg2
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from benchmarks.peers.floor import COLUMNS, FACT_COLUMNS, UPSERT
from environments.embedded.jars import JarSet, resolved
from pipeline.database import connect
from pipeline.settings import (
    KafkaSettings,
    PostgresSettings,
    SparkSettings,
    StorageSettings,
    StreamSettings,
    load,
)
from pipeline.stream.event_columns import EVENT_TYPE
from pipeline.stream.topic import spark_options

_JDBC = JarSet("jdbc", (("org.postgresql", "postgresql", "42.7.7"),))
_STAGE = (
    "CREATE TABLE IF NOT EXISTS staging.stock (event_id text, event_type text,"
    " event_time timestamptz, schema_version text, order_id text,"
    " order_version integer, ordered_at timestamptz, customer_id bigint,"
    " product_id bigint, quantity integer, unit_price numeric(12, 2), currency text, status text,"
    " source text, source_partition integer, source_offset bigint, source_timestamp timestamptz)"
)
_SELECT = COLUMNS.replace("event_id,", "event_id::uuid,").replace("order_id,", "order_id::uuid,")
_RAW = (
    f"INSERT INTO raw.orders ({COLUMNS}) SELECT {_SELECT.replace(' extra,', ' NULL,')} FROM staging.stock"
    " ON CONFLICT (event_id) DO NOTHING"
)
_FACTS = (
    f"INSERT INTO curated.fact_orders AS fact ({FACT_COLUMNS}) SELECT DISTINCT ON (order_id)"
    " order_id::uuid, order_version, event_id::uuid, ordered_at, coalesce(customer_key, 0),"
    " coalesce(product_key, 0), s.customer_id, s.product_id, quantity, s.unit_price, s.currency, status"
    " FROM staging.stock s LEFT JOIN curated.dim_customers c ON c.customer_id = s.customer_id"
    " AND s.ordered_at >= c.valid_from AND s.ordered_at < c.valid_to"
    " LEFT JOIN curated.dim_products p ON p.product_id = s.product_id"
    " AND s.ordered_at >= p.valid_from AND s.ordered_at < p.valid_to"
    f" ORDER BY order_id, order_version DESC, event_id DESC{UPSERT}"
)
_OFFSETS = (
    "INSERT INTO ops.stream_offsets (topic, partition, first_offset, next_offset, committed_at)"
    " SELECT source, source_partition, 0, max(source_offset) + 1, now() FROM staging.stock GROUP BY 1, 2"
    " ON CONFLICT (topic, partition) DO UPDATE SET next_offset = excluded.next_offset, committed_at = now()"
)


def main() -> None:
    """Stream until ended."""
    postgres, kafka, stream = load(PostgresSettings), load(KafkaSettings), load(StreamSettings)
    session = _session(load(SparkSettings))
    connection = connect(postgres, "admin")
    with connection, connection.cursor() as cursor:
        cursor.execute(_STAGE)

    def write(batch: DataFrame, _number: int) -> None:
        _parsed(batch).write.jdbc(
            f"jdbc:postgresql://{postgres.host}:{postgres.port}/{postgres.database}?reWriteBatchedInserts=true",
            "staging.stock",
            mode="overwrite",
            properties={
                "user": postgres.user("admin"),
                "password": postgres.password("admin"),
                "driver": "org.postgresql.Driver",
                "truncate": "true",
                "batchsize": "10000",
                "stringtype": "unspecified",
            },
        )
        _merge(connection)

    source = session.readStream.format("kafka").options(**spark_options(kafka))
    source = source.option("subscribe", kafka.orders_topic).option("startingOffsets", "earliest")
    query = (
        source.option("maxOffsetsPerTrigger", stream.max_offsets_per_trigger)
        .load()
        .writeStream.foreachBatch(write)
        .option("checkpointLocation", f"{load(StorageSettings).checkpoints}/stock")
        .start()
    )
    query.awaitTermination()


def _session(settings: SparkSettings) -> SparkSession:
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    # Only this peer speaks JDBC, so only it fetches the driver.
    driver = ",".join(str(jar) for jar in resolved(_JDBC).glob("*.jar"))
    builder = SparkSession.builder.master(settings.master).config("spark.jars", f"{settings.jars},{driver}")
    builder = builder.config("spark.driver.memory", settings.driver_memory)
    return (
        builder.config("spark.sql.session.timeZone", "UTC").config("spark.ui.enabled", "false").getOrCreate()
    )


def _parsed(batch: DataFrame) -> DataFrame:
    event = batch.withColumn("e", F.from_json(F.col("value").cast("string"), EVENT_TYPE))
    casts = {"event_time": "timestamp", "ordered_at": "timestamp", "unit_price": "decimal(12, 2)"}
    fields = [F.col(f"e.{name}").cast(casts.get(name, kind)).alias(name) for name, kind in _types().items()]
    return event.select(
        *fields,
        F.col("topic").alias("source"),
        F.col("partition").alias("source_partition"),
        F.col("offset").alias("source_offset"),
        F.col("timestamp").alias("source_timestamp"),
    )


def _types() -> dict[str, str]:
    return {entry.name: entry.dataType.simpleString() for entry in EVENT_TYPE.fields}


def _merge(connection: "psycopg2.extensions.connection") -> None:
    with connection, connection.cursor() as cursor:
        for statement in (_RAW, _FACTS, _OFFSETS):
            cursor.execute(statement)


if __name__ == "__main__":
    main()
