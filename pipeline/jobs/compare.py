"""The batch's own rebuild of everything, compared with what is published; it changes nothing."""

from psycopg2.extensions import cursor as Cursor
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from pipeline.jobs import heap, queries
from pipeline.jobs.dimensions import (
    CUSTOMER_ATTRIBUTES,
    CUSTOMER_STATES,
    PRODUCT_ATTRIBUTES,
    PRODUCT_STATES,
    versions,
)
from pipeline.jobs.facts import FACT_COLUMNS, ORDER_EVENTS, winners, with_keys
from pipeline.jobs.marks import highest, last_publication
from pipeline.jobs.run import Marks
from pipeline.jobs.warehouse_source import read
from pipeline.settings import PostgresSettings
from pipeline.spark_failures import spark_in_words
from pipeline.verify.report import SAMPLES, Finding

FACTS = T.StructType(
    [
        *ORDER_EVENTS.fields[:4],
        T.StructField("customer_key", T.LongType()),
        T.StructField("product_key", T.LongType()),
        *ORDER_EVENTS.fields[4:],
    ]
)


def compare(session: SparkSession, settings: PostgresSettings, cursor: Cursor) -> Finding:
    """Rebuild all facts from raw in Spark and compare them with curated, both in the cursor's snapshot.

    The cursor's transaction is REPEATABLE READ and of role etl. Versions are made of the states that the last
    publication knew; later ones are the next batch's. Raises DatabaseUnavailable
    or SparkFailed.
    """
    cursor.execute("SELECT pg_export_snapshot()")
    (snapshot,) = cursor.fetchone() or ("",)
    _, published = last_publication(cursor)

    def members(member: str, schema: T.StructType, attributes: tuple[str, ...]) -> DataFrame:
        query = queries.member_states(member, Marks(0, published[f"{member}s"]))
        made = versions(read(session, settings, [query], schema, snapshot), member, attributes)
        return made.select(f"{member}_key", f"{member}_id", "valid_from", "valid_to")

    every = queries.all_events(Marks(0, highest(cursor, "orders")), heap.slices(cursor, "raw.orders"))
    events = read(session, settings, every, ORDER_EVENTS, snapshot)
    customers = members("customer", CUSTOMER_STATES, CUSTOMER_ATTRIBUTES)
    products = members("product", PRODUCT_STATES, PRODUCT_ATTRIBUTES)
    rebuilt = with_keys(winners(events), customers, products)
    curated = read(session, settings, _fact_slices(cursor), FACTS, snapshot)
    with spark_in_words():
        return _differences(rebuilt, curated)


def _fact_slices(cursor: Cursor) -> list[str]:
    """Return queries that read curated.fact_orders by ranges of its pages."""
    columns = ", ".join(_as_text(name) for name in FACT_COLUMNS)
    where = heap.slices(cursor, "curated.fact_orders")
    return [f"SELECT {columns} FROM curated.fact_orders WHERE {one}" for one in where]


def _as_text(name: str) -> str:
    return f"{name}::text" if name in ("order_id", "event_id", "unit_price") else name


def _differences(rebuilt: DataFrame, curated: DataFrame) -> Finding:
    left = rebuilt.select("order_id", F.struct(*FACT_COLUMNS).alias("rebuilt"))
    right = curated.select("order_id", F.struct(*FACT_COLUMNS).alias("curated"))
    both = left.join(right, on="order_id", how="full_outer")
    differing = both.where(~F.col("rebuilt").eqNullSafe(F.col("curated")))
    count = differing.count()
    if not count:
        return Finding(0)
    # Once more rather than to keep them all: this is the rare case, and there may be millions.
    samples = differing.orderBy("order_id").limit(SAMPLES).select(_sample().alias("sample")).collect()
    return Finding(count, [row["sample"] for row in samples])


def _sample() -> Column:
    texts = [F.coalesce(F.to_json(F.col(side)), F.lit("none")) for side in ("rebuilt", "curated")]
    return F.concat_ws(" ", F.col("order_id"), F.lit("rebuilt"), texts[0], F.lit("curated"), texts[1])
