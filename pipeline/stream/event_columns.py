"""Spark's view of the order event, derived from its one definition in `pipeline.events`."""

from typing import Any

from pyspark.sql import Column
from pyspark.sql import types as T

from pipeline.events import FIELDS, json_schema

CORRUPT = "_corrupt"
_PROPERTIES: dict[str, dict[str, Any]] = json_schema()["properties"]
# The largest value that fits decides the type: the schema's `maximum` is part of the definition.
_INT_MAX = 2**31 - 1


def _spark_type(rule: dict[str, Any]) -> T.DataType:
    if rule["type"] == "integer":
        return T.IntegerType() if rule["maximum"] <= _INT_MAX else T.LongType()
    return T.StringType()


EVENT_TYPE = T.StructType([T.StructField(name, _spark_type(_PROPERTIES[name])) for name in FIELDS])
"""One nullable field per event field: integers by their range, everything else as its JSON string."""

PARSED_TYPE = T.StructType([*EVENT_TYPE.fields, T.StructField(CORRUPT, T.StringType())])


def field_rule(name: str) -> dict[str, Any]:
    """Return the JSON Schema's rule for field `name`."""
    return _PROPERTIES[name]


def follows_rule(name: str, value: Column) -> Column:
    """Return whether `value` keeps the JSON Schema's rule for field `name`; null where it is null."""
    rule = field_rule(name)
    if "enum" in rule:
        return value.isin(rule["enum"])
    if "pattern" in rule:
        # Java's $ also matches before a final newline; \z does not.
        return value.rlike(rule["pattern"].removesuffix("$") + r"\z")
    return value.between(rule["minimum"], rule["maximum"])
