"""What Spark hands to a commit: its columns, and COPY lines that PostgreSQL reads back as they were meant."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from pyspark.sql import SparkSession

from pipeline.stream.commit import commit_partition
from pipeline.stream.copy_lines import COMMIT_COLUMNS, to_commit_rows
from pipeline.stream.validation import judge, parse
from tests.integration.commits import Sink
from tests.integration.conftest import Connect
from tests.integration.samples import RECEIVED_MS, Headers, as_bytes, event, messages, uid

AWKWARD = "tab\t newline\n return\r\n backslash\\ \\N \\. \\t quote\" ' é 😀 \u2028 \b end\\"
TYPES = {
    "partition": "int", "offset": "bigint", "timestamp_ms": "bigint", "line": "string", "reason": "string",
    "detail": "string", "key": "binary", "value": "binary", "origin": "string", "attempt": "string",
}  # fmt: skip


def rows(
    spark: SparkSession, values: list[bytes | None], headers: Headers = None, shortcut: bool = True
) -> Any:
    return to_commit_rows(judge(parse(messages(spark, values, headers), shortcut)))


def test_columns_and_their_types(spark: SparkSession):
    assert dict(rows(spark, [b""]).dtypes) == TYPES
    assert tuple(TYPES) == COMMIT_COLUMNS


def test_a_valid_message_is_a_line_and_an_invalid_one_is_its_bytes(spark: SparkSession):
    valid, invalid = rows(spark, [as_bytes(event()), b"{\xff"]).orderBy("offset").collect()
    fields = [*map(str, event().values()), "\\N", "0", str(RECEIVED_MS)]
    assert valid.line == "\t".join(fields) + "\n"
    assert (valid.partition, valid.offset, valid.timestamp_ms) == (3, 0, RECEIVED_MS)
    assert (valid.reason, valid.detail, valid.key, valid.value, valid.origin, valid.attempt) == (None,) * 6
    assert (invalid.line, invalid.reason, invalid.detail) == (None, "invalid_utf8", "")
    assert (bytes(invalid.key), bytes(invalid.value)) == (b"key", b"{\xff")


def test_the_shortcut_and_the_parser_write_the_same_line(spark: SparkSession):
    values: list[bytes | None] = [
        as_bytes(event(unit_price="007.5")),
        as_bytes(event(ordered_at="2026-01-01T00:00:00.5Z")),
    ]
    lines = [
        [row.line for row in rows(spark, values, shortcut=way).orderBy("offset").collect()]
        for way in (True, False)
    ]
    assert lines[0] == lines[1]


@pytest.mark.parametrize(
    ("headers", "origin", "attempt"),
    [
        ([("ecom-origin", b"orders/1/7"), ("ecom-attempt", b"2")], "orders/1/7", "2"),
        ([("other", b"x"), ("ecom-attempt", b"3")], None, "3"),
        ([("ecom-origin", b"first"), ("ecom-origin", b"second")], "first", None),
    ],
)
def test_a_replay_is_known_by_its_headers(spark: SparkSession, headers: Headers, origin: str, attempt: str):
    (row,) = rows(spark, [as_bytes(event())], headers).collect()
    assert (row.origin, row.attempt) == (origin, attempt)


def test_postgres_reads_unknown_fields_as_they_were(
    spark: SparkSession, log_in: Connect, sql: Callable[..., list[tuple]]
):
    extras: list[dict[str, Any]] = [
        {"note": AWKWARD},
        {AWKWARD: 1},
        {"nested": {"list": [1, None, {"quantity": AWKWARD}]}},
        {"\\N": "\\N"},
        {"number": 10**40},
    ]
    values: list[bytes | None] = [as_bytes(event(number, **extra)) for number, extra in enumerate(extras)]
    # Pretty-printed: the newlines stand outside the strings as well.
    values.append(as_bytes(event(len(extras), note="x"), indent="\t"))
    batches = rows(spark, values).coalesce(1).toArrow().combine_chunks().to_batches()
    commit_partition(log_in("ingest"), "orders", Sink(), iter(batches))
    stored = sql("SELECT event_id::text, extra FROM raw.orders ORDER BY 1")
    assert stored == [(uid(number), extra) for number, extra in enumerate([*extras, {"note": "x"}])]


def test_what_jsonb_can_not_hold_is_kept_as_text(
    spark: SparkSession, log_in: Connect, sql: Callable[..., list[tuple]]
):
    value = as_bytes(event(1, note="?\\\t")).replace(b"?", b"\\ud800")
    batches = rows(spark, [value]).toArrow().combine_chunks().to_batches()
    commit_partition(log_in("ingest"), "orders", Sink(), iter(batches))
    assert sql("SELECT jsonb_typeof(extra), extra FROM raw.orders") == [("string", value.decode())]


def test_cleaned_is_the_event_with_its_amount(spark: SparkSession):
    values: list[bytes | None] = [as_bytes(event(quantity=3, unit_price="19.9", x=1)), b"{"]
    judged = judge(parse(messages(spark, values), shortcut=False))
    valid, invalid = to_commit_rows(judged, with_cleaned=True).orderBy("offset").collect()
    assert json.loads(valid.cleaned) == event(quantity=3, unit_price="19.9") | {"amount": 59.7}
    assert '"amount":59.70' in valid.cleaned
    assert (valid.order_id, invalid.cleaned) == (event()["order_id"], None)
