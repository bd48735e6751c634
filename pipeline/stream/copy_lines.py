"""Shape judged messages into what a partition's commit needs: ready-made COPY lines, or the raw bytes.

The lines are built by Spark's generated code and travel as one Arrow buffer, so that no Python code runs per
order. Pure, no I/O.
"""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pipeline.copy_format import escaped
from pipeline.events import FIELDS
from pipeline.stream.headers import ATTEMPT_HEADER, ATTEMPT_PATTERN, ORIGIN_HEADER, ORIGIN_PATTERN

COMMIT_COLUMNS = (
    "partition",
    "offset",
    "timestamp_ms",
    "line",
    "reason",
    "detail",
    "key",
    "value",
    "origin",
    "attempt",
)


def to_commit_rows(judged: DataFrame, with_cleaned: bool = False) -> DataFrame:
    """Return COMMIT_COLUMNS, one row per message.

    partition int; offset, timestamp_ms bigint (Kafka's own, UTC); `line` string, a line of COPY's text format
    with its newline, null for an invalid message; reason, detail string, null for a valid one; key, value
    binary, null for a valid one; origin string (topic/partition/offset) and attempt string, null unless the
    message has such headers, as a replay from the DLQ does. `with_cleaned` adds order_id and cleaned, both
    string, null for an invalid message: the event as JSON with its amount; it needs events parsed without the
    shortcut.
    """
    valid = F.col("reason").isNull()
    cleaned = [F.col("event.order_id").alias("order_id"), F.when(valid, _cleaned()).alias("cleaned")]
    return judged.select(
        "partition",
        "offset",
        F.unix_millis("timestamp").alias("timestamp_ms"),
        F.when(valid, _line()).alias("line"),
        "reason",
        "detail",
        F.when(~valid, F.col("key")).alias("key"),
        F.when(~valid, F.col("value")).alias("value"),
        _header(ORIGIN_HEADER, ORIGIN_PATTERN).alias("origin"),
        _header(ATTEMPT_HEADER, ATTEMPT_PATTERN).alias("attempt"),
        *(cleaned if with_cleaned else ()),
    )


def _cleaned() -> Column:
    amount = F.expr("event.quantity * cast(event.unit_price AS decimal(12, 2))")
    return F.to_json(F.struct(*[F.col(f"event.{name}") for name in FIELDS], amount.alias("amount")))


def _line() -> Column:
    # Every field has passed a pattern or a number's range, so only the unknown fields' text needs escaping.
    fields = F.concat_ws("\t", *[F.col(f"event.{name}").cast("string") for name in FIELDS])
    extra = F.when(F.col("has_extra"), escaped(F.col("text"))).otherwise(F.lit("\\N"))
    parsed = F.concat_ws("\t", fields, extra)
    place = F.concat(F.lit("\t"), F.col("offset"), F.lit("\t"), F.unix_millis("timestamp"), F.lit("\n"))
    shortcut = F.concat(F.col("canonical"), F.lit("\t\\N"), place)
    return F.when(F.col("canonical").isNotNull(), shortcut).otherwise(F.concat(parsed, place))


def _header(name: str, pattern: str) -> Column:
    headers = F.col("headers")
    found = F.filter(headers, lambda header: header["key"] == name)
    value = F.when(F.size(headers) > 0, F.get(found, F.lit(0))["value"].cast("string"))
    return F.when(value.rlike(rf"\A{pattern}\z"), value)
