"""Validation by columns: which messages are valid events, and why the others are not. Pure, no I/O.

The common case is decided by a few cheap tests on the parsed struct; only a message that fails one of them,
or that has more in it than the schema knows, pays for the exact ones.
"""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pipeline.events import FIELDS
from pipeline.stream.canonical import add_canonical
from pipeline.stream.event_columns import CORRUPT, PARSED_TYPE, follows_rule
from pipeline.stream.timeliness import instant, timely

# Strict JSON: what the JSON Schema would refuse, Spark must not wave through.
_JSON_OPTIONS = {
    "mode": "PERMISSIVE",
    "columnNameOfCorruptRecord": CORRUPT,
    "allowSingleQuotes": "false",
    "allowNonNumericNumbers": "false",
    "allowNumericLeadingZeros": "false",
}
# String fields whose pattern a bare number keeps as well.
_NUMBER_LIKE = ("schema_version", "unit_price")


def parse(messages: DataFrame, shortcut: bool = True) -> DataFrame:
    """Add `text`, `canonical`, `event` (PARSED_TYPE) and `has_extra` (boolean) to Kafka messages.

    Needs `value` (binary) and `timestamp`. `canonical` holds the COPY fields of an event that needed no
    parser; its `event` and `has_extra` are null. Without `shortcut` every message is parsed. `has_extra` is
    true where the JSON object holds other keys than the schema's.
    """
    texts = messages.withColumn("text", F.col("value").cast("string"))
    tried = add_canonical(texts) if shortcut else texts.withColumn("canonical", F.lit(None).cast("string"))
    needs_parser = F.col("canonical").isNull()
    extra = F.coalesce(F.size(F.json_object_keys("text")) != len(FIELDS), F.lit(True))
    return tried.withColumn(
        "event", F.when(needs_parser, F.from_json("text", PARSED_TYPE, _JSON_OPTIONS))
    ).withColumn("has_extra", F.when(needs_parser, extra))


def judge(parsed: DataFrame) -> DataFrame:
    """Add `reason` and `detail` (strings, null for a valid event) to what `parse` returned.

    Needs `timestamp`, Kafka's own. Reasons: empty_value, invalid_utf8, malformed_json, nul_character,
    unsupported_schema_version, missing_field, invalid_field, timestamp_out_of_range, inconsistent_event.
    """
    plausible = _fields_valid() & _timely() & _consistent()
    valid = F.coalesce(plausible & (_looks_plain() | _strictly_one_object()), F.lit(False))
    reason = F.when(F.col("canonical").isNotNull(), None).when(valid, None).otherwise(_reason())
    return parsed.withColumn("reason", reason).withColumn(
        "detail", F.when(F.col("reason").isNotNull(), F.coalesce(_detail(), F.lit("")))
    )


def _field(name: str) -> Column:
    return F.col(f"event.{name}")


def _all(conditions: list[Column]) -> Column:
    result = conditions[0]
    for condition in conditions[1:]:
        result = result & condition
    return result


def _fields_valid() -> Column:
    rules = [follows_rule(name, _field(name)) for name in FIELDS]
    return _all([F.col(f"event.{CORRUPT}").isNull(), *rules])


def _timely() -> Column:
    return timely(instant(_field("event_time")), instant(_field("ordered_at")), F.col("timestamp"))


def _consistent() -> Column:
    return (_field("event_type") != "cancelled") | (_field("status") == "cancelled")


def _looks_plain() -> Column:
    """One object without nesting, nothing behind it, no unknown key, no number where a string belongs."""
    text = F.col("text")
    quoted = [text.contains(f'"{name}":"') for name in _NUMBER_LIKE]
    return _all([~F.col("has_extra"), F.instr(text, "}") == F.length(text), *quoted])


def _strictly_one_object() -> Column:
    strings = _all([_is_string(name) for name in _NUMBER_LIKE])
    return F.is_valid_utf8("text") & _one_object() & ~_has_nul() & strings


def _one_object() -> Column:
    """Return whether the text is one JSON object and nothing else, as Spark's lenient functions read it."""
    text = F.col("text")
    alone = F.json_array_length(F.concat(F.lit("["), text, F.lit("]"))) == 1
    # They stop where the list closes, and a text like `{}],[{}` closes it itself: then this counts 1 again.
    closed_by_us = F.json_array_length(F.concat(F.lit("["), text, F.lit(",0]"))) == 2
    return alone & closed_by_us & F.json_object_keys(text).isNotNull()


def _has_nul() -> Column:
    # An escaped NUL, unless its backslash is itself escaped; PostgreSQL stores no text with a NUL in it.
    return F.col("text").contains("\\u0000") & F.col("text").rlike(r"(?<!\\)(\\\\)*\\u0000")


def _is_string(name: str) -> Column:
    # A string field of from_json takes a number too, and its text keeps these fields' patterns.
    typed = F.from_json("text", ", ".join(f"{field} variant" for field in _NUMBER_LIKE), _JSON_OPTIONS)
    return F.schema_of_variant(typed[name]) == "STRING"


def _raw(name: str) -> Column:
    return F.get_json_object("text", f"$.{name}")


def _is_object() -> Column:
    # No field to convert, so that only broken syntax makes it corrupt.
    syntax = F.from_json("text", f"_none string, {CORRUPT} string", _JSON_OPTIONS)
    return F.coalesce(_one_object() & syntax[CORRUPT].isNull(), F.lit(False))


def _names_where(condition: dict[str, Column]) -> Column:
    return F.concat_ws(", ", *[F.when(test, F.lit(name)) for name, test in condition.items()])


def _missing() -> Column:
    return _names_where({name: _raw(name).isNull() for name in FIELDS})


def _invalid() -> Column:
    wrong = {name: ~F.coalesce(follows_rule(name, _field(name)), F.lit(False)) for name in FIELDS}
    for name in _NUMBER_LIKE:
        wrong[name] = wrong[name] | ~F.coalesce(_is_string(name), F.lit(False))
    return _names_where(wrong)


def _reason() -> Column:
    """Say what is wrong with a message that is known not to be valid; only such rows evaluate it."""
    version = F.coalesce(_raw("schema_version"), F.lit(""))
    return (
        F.when(F.col("value").isNull() | (F.length("value") == 0), "empty_value")
        .when(~F.is_valid_utf8("text"), "invalid_utf8")
        .when(~_is_object(), "malformed_json")
        .when(_has_nul(), "nul_character")
        .when(version.rlike(r"^\d+[.]\d+\z") & ~version.startswith("1."), "unsupported_schema_version")
        .when(_missing() != "", "missing_field")
        .when(_invalid() != "", "invalid_field")
        .when(~F.coalesce(_timely(), F.lit(False)), "timestamp_out_of_range")
        .when(~_consistent(), "inconsistent_event")
        .otherwise("malformed_json")
    )


def _detail() -> Column:
    reason = F.col("reason")
    return (
        F.when(reason == "missing_field", _missing())
        .when(reason == "invalid_field", _invalid())
        .when(reason == "unsupported_schema_version", F.substring(_raw("schema_version"), 1, 40))
        .when(
            reason == "timestamp_out_of_range", F.concat_ws(" / ", _field("event_time"), _field("ordered_at"))
        )
    )
