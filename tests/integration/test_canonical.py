"""The shortcut says yes only where the parser does, and gives the same COPY line."""

import json
from datetime import UTC, datetime

import pytest
from pyspark.sql import SparkSession

from pipeline.stream.copy_lines import to_commit_rows
from pipeline.stream.validation import judge, parse

RECEIVED = datetime(2026, 11, 24, 3, 1, tzinfo=UTC)
GOOD = {
    "event_id": "01a20bc2-2c27-7ad9-8afb-d619699cfe19",
    "event_type": "created",
    "event_time": "2026-11-24T03:00:00.5Z",
    "schema_version": "1.0",
    "order_id": "01a20bc2-2c27-721e-8f06-c025b413f8a9",
    "order_version": 1,
    "ordered_at": "2026-11-24T03:00:00Z",
    "customer_id": 1,
    "product_id": 2,
    "quantity": 3,
    "unit_price": "1.50",
    "currency": "EUR",
    "status": "placed",
}
HEADER = "array<struct<key:string,value:binary>>"
COLUMNS = "key binary, value binary, topic string, partition int, offset bigint, timestamp timestamp"


def compact(**changes: object) -> bytes:
    return json.dumps(GOOD | changes, separators=(",", ":")).encode()


TAKEN = {
    "compact": compact(),
    "blanks after commas and colons": json.dumps(GOOD).encode(),
    "whole seconds": compact(event_time="2026-11-24T03:00:00Z"),
    "minor version": compact(schema_version="1.12"),
    "cancelled": compact(event_type="cancelled", status="cancelled"),
    "updated to cancelled": compact(event_type="updated", status="cancelled"),
    "whole price": compact(unit_price="7"),
    "largest short numbers": compact(order_version=999_999_999, customer_id=10**15 - 1, quantity=9_999),
}
LEFT_TO_THE_PARSER = {
    "other order of keys": json.dumps(dict(reversed(GOOD.items()))).encode(),
    "unknown field": compact(note="x"),
    "newline at the end": compact() + b"\n",
    "blank in front": b" " + compact(),
    "two objects": compact() * 2,
    "escaped key": compact().replace(b'"status"', b'"\\u0073tatus"'),
    "greatest quantity": compact(quantity=10_000),
    "quantity over the limit": compact(quantity=10_001),
    "long number": compact(order_version=2**31 - 1),
    "number out of range": compact(order_version=2**31),
    "leading zero": compact().replace(b'"quantity":3', b'"quantity":03'),
    "no such day": compact(ordered_at="2026-02-30T00:00:00Z"),
    "in the future": compact(event_time="2026-11-24T05:00:00Z"),
    "too old": compact(event_time="2024-01-01T00:00:00Z", ordered_at="2024-01-01T00:00:00Z"),
    "ordered after the event": compact(ordered_at="2026-11-24T03:00:00.6Z"),
    "cancelled without the status": compact(event_type="cancelled"),
    "upper case id": compact(event_id=str(GOOD["event_id"]).upper()),
    "price as a number": compact(unit_price=1.5),
    "unknown currency": compact(currency="JPY"),
    "major version": compact(schema_version="2.0"),
    "begins as an event": compact()[:60],
    "text": b"hello",
    "empty": b"",
    "null": None,
    "a tab in a value": compact(currency="EUR\t"),
}


@pytest.fixture(scope="module")
def both(spark: SparkSession) -> dict[str, dict[bool, tuple]]:
    """Each message by name: (canonical, line, reason, detail) with the shortcut and without."""
    names = [*TAKEN, *LEFT_TO_THE_PARSER]
    values = [*TAKEN.values(), *LEFT_TO_THE_PARSER.values()]
    rows = [(None, value, "orders", 0, offset, RECEIVED, None) for offset, value in enumerate(values)]
    messages = spark.createDataFrame(rows, f"{COLUMNS}, headers {HEADER}")
    verdicts: dict[str, dict[bool, tuple]] = {name: {} for name in names}
    for shortcut in (True, False):
        parsed = judge(parse(messages, shortcut))
        lines = to_commit_rows(parsed).select("offset", "line", "reason", "detail")
        canonical = {
            row["offset"]: row["canonical"] for row in parsed.select("offset", "canonical").collect()
        }
        for row in lines.collect():
            found = (canonical[row["offset"]], row["line"], row["reason"], row["detail"])
            verdicts[names[row["offset"]]][shortcut] = found
    return verdicts


@pytest.mark.parametrize("name", [*TAKEN, *LEFT_TO_THE_PARSER])
def test_shortcut_and_parser_agree(both: dict[str, dict[bool, tuple]], name: str) -> None:
    assert both[name][True][1:] == both[name][False][1:]


@pytest.mark.parametrize("name", TAKEN)
def test_an_event_of_our_model_needs_no_parser(both: dict[str, dict[bool, tuple]], name: str) -> None:
    assert both[name][True][0] is not None
    assert both[name][True][2] is None


@pytest.mark.parametrize("name", LEFT_TO_THE_PARSER)
def test_anything_else_is_left_to_the_parser(both: dict[str, dict[bool, tuple]], name: str) -> None:
    assert both[name][True][0] is None
