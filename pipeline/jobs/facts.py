"""Order events to facts: each order's winner, with the versions valid when it was placed. Pure, no I/O."""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F
from pyspark.sql import types as T

UNKNOWN_KEY = 0

ORDER_EVENTS = T.StructType(
    [
        T.StructField("order_id", T.StringType()),
        T.StructField("order_version", T.IntegerType()),
        T.StructField("event_id", T.StringType()),
        T.StructField("ordered_at", T.TimestampType()),
        T.StructField("customer_id", T.LongType()),
        T.StructField("product_id", T.LongType()),
        T.StructField("quantity", T.IntegerType()),
        T.StructField("unit_price", T.StringType()),
        T.StructField("currency", T.StringType()),
        T.StructField("status", T.StringType()),
    ]
)
FACT_COLUMNS = (
    "order_id",
    "order_version",
    "event_id",
    "ordered_at",
    "customer_key",
    "product_key",
    "customer_id",
    "product_id",
    "quantity",
    "unit_price",
    "currency",
    "status",
)


def member_keys(member: str) -> T.StructType:
    """Return the schema `{member}_key`, `{member}_id` bigint, valid_from, valid_to timestamp."""
    return T.StructType(
        [
            T.StructField(f"{member}_key", T.LongType()),
            T.StructField(f"{member}_id", T.LongType()),
            T.StructField("valid_from", T.TimestampType()),
            T.StructField("valid_to", T.TimestampType()),
        ]
    )


def winners(events: DataFrame) -> DataFrame:
    """Return one row per order_id: the event with the greatest (order_version, event_id).

    `events` has ORDER_EVENTS. event_id compares as text, which for lower-case UUIDs is PostgreSQL's order.
    """
    newest = Window.partitionBy("order_id").orderBy(F.desc("order_version"), F.desc("event_id"))
    return events.withColumn("_rank", F.row_number().over(newest)).where("_rank = 1").drop("_rank")


def with_keys(orders: DataFrame, customers: DataFrame, products: DataFrame) -> DataFrame:
    """Return FACT_COLUMNS: each order with the versions valid at its ordered_at, else UNKNOWN_KEY.

    `customers` and `products` have `member_keys`.
    """
    keyed = _with_key(_with_key(orders, customers, "customer"), products, "product")
    return keyed.select(*FACT_COLUMNS)


def _with_key(orders: DataFrame, members: DataFrame, member: str) -> DataFrame:
    key, identity = f"{member}_key", f"{member}_id"
    left, right = orders.alias("orders"), members.alias("members")
    match = (F.col(f"orders.{identity}") == F.col(f"members.{identity}")) & _valid()
    found = F.coalesce(F.col(f"members.{key}"), F.lit(UNKNOWN_KEY)).alias(key)
    return left.join(right, match, how="left").select("orders.*", found)


def _valid() -> Column:
    ordered_at = F.col("orders.ordered_at")
    return (ordered_at >= F.col("members.valid_from")) & (ordered_at < F.col("members.valid_to"))
