"""Type-2 versions from the states of customers and products. Pure, no I/O."""

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F
from pyspark.sql import types as T

CUSTOMER_ATTRIBUTES = ("name", "country", "segment")
PRODUCT_ATTRIBUTES = ("name", "category", "unit_price", "currency")

CUSTOMER_STATES = T.StructType(
    [
        T.StructField("customer_id", T.LongType()),
        T.StructField("effective_at", T.TimestampType()),
        T.StructField("name", T.StringType()),
        T.StructField("country", T.StringType()),
        T.StructField("segment", T.StringType()),
    ]
)
PRODUCT_STATES = T.StructType(
    [
        T.StructField("product_id", T.LongType()),
        T.StructField("effective_at", T.TimestampType()),
        T.StructField("name", T.StringType()),
        T.StructField("category", T.StringType()),
        T.StructField("unit_price", T.StringType()),
        T.StructField("currency", T.StringType()),
    ]
)

# The first version starts at the epoch, so that an order placed before the member was known finds it.
_EPOCH = "1970-01-01 00:00:00"
_END = "9999-12-31 00:00:00"


def versions(states: DataFrame, member: str, attributes: Sequence[str]) -> DataFrame:
    """Return a row per version: `{member}_key` bigint, `{member}_id`, attributes, valid_from, valid_to.

    `states` has `{member}_id` bigint, effective_at timestamp and the attributes; a state that repeats the one
    before it is no version. valid_to is exclusive, and 9999-12-31 for the last version.
    """
    identity = f"{member}_id"
    history = Window.partitionBy(identity).orderBy("effective_at")
    state = F.struct(*attributes)
    changes = (
        states.withColumn("_before", F.lag(state).over(history))
        .withColumn("_first", F.row_number().over(history) == 1)
        .where(F.col("_first") | ~state.eqNullSafe(F.col("_before")))
    )
    valid_from = F.when(F.col("_first"), F.lit(_EPOCH).cast("timestamp")).otherwise(F.col("effective_at"))
    following = Window.partitionBy(identity).orderBy("valid_from")
    ends = F.coalesce(F.lead("valid_from").over(following), F.lit(_END).cast("timestamp"))
    return (
        changes.withColumn("valid_from", valid_from)
        .withColumn("valid_to", ends)
        .select(
            surrogate_key(F.col(identity), F.col("valid_from")).alias(f"{member}_key"),
            identity,
            *attributes,
            "valid_from",
            "valid_to",
        )
    )


def surrogate_key(identity: Column, valid_from: Column) -> Column:
    """Return the first 60 bits of an MD5 over id and microseconds: bigint, as in PostgreSQL."""
    text = F.concat_ws("|", identity.cast("string"), F.unix_micros(valid_from).cast("string"))
    return F.conv(F.substring(F.md5(text), 1, 15), 16, 10).cast("bigint")
