"""What Spark hands to a commit: its columns, and COPY lines that PostgreSQL reads back as they were meant."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from pyspark.sql import DataFrame, Row, SparkSession

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


HEADERS: list[Headers] = [
    [("ecom-origin", b"orders/1/7"), ("ecom-attempt", b"2")],
    [("other", b"x"), ("ecom-attempt", b"3")],
    [("ecom-origin", b"orders/1/8"), ("ecom-origin", b"second")],
    [("ecom-origin", b"orders\xff/0/1"), ("ecom-attempt", b"\xff")],
    [("ecom-origin", b"orders/0/" + b"9" * 30), ("ecom-attempt", b"9" * 5_000)],
    [("ecom-origin", b"orders/0/1\n"), ("ecom-attempt", b"-1")],
]
VALUES: list[bytes | None] = [
    as_bytes(event()),
    as_bytes(event(unit_price="007.5")),
    as_bytes(event(ordered_at="2026-01-01T00:00:00.5Z")),
    b"{\xff",
]
ALL = VALUES + [as_bytes(event())] * len(HEADERS)


def shaped(spark: SparkSession, values: list[bytes | None], shortcut: bool = True) -> DataFrame:
    return to_commit_rows(judge(parse(messages(spark, values), shortcut)))


@pytest.fixture(scope="module")
def frame(spark: SparkSession) -> DataFrame:
    none: list[Headers] = [[] for _ in VALUES]
    return to_commit_rows(judge(parse(messages(spark, ALL, none + HEADERS))))


@pytest.fixture(scope="module")
def rows(frame: DataFrame) -> list[Row]:
    return frame.orderBy("offset").collect()


def test_columns_and_their_types(frame: DataFrame):
    assert dict(frame.dtypes) == TYPES
    assert tuple(TYPES) == COMMIT_COLUMNS


def test_a_valid_message_is_a_line(rows: list[Row]):
    fields = [*map(str, event().values()), "\\N", "0", str(RECEIVED_MS)]
    assert rows[0].line == "\t".join(fields) + "\n"
    assert (rows[0].partition, rows[0].offset, rows[0].timestamp_ms) == (3, 0, RECEIVED_MS)
    assert [rows[0][name] for name in COMMIT_COLUMNS[4:]] == [None] * 6


def test_an_invalid_message_is_its_bytes(rows: list[Row]):
    invalid = rows[3]
    assert (invalid.line, invalid.reason, invalid.detail) == (None, "invalid_utf8", "")
    assert (bytes(invalid.key), bytes(invalid.value)) == (b"key", b"{\xff")


def test_the_shortcut_and_the_parser_write_the_same_line(spark: SparkSession, rows: list[Row]):
    parsed = shaped(spark, VALUES, shortcut=False).orderBy("offset").collect()
    assert [row.line for row in parsed] == [row.line for row in rows[: len(VALUES)]]


def test_a_replay_is_known_by_its_headers(rows: list[Row]):
    found = [(row.origin, row.attempt) for row in rows[len(VALUES) :]]
    assert found == [("orders/1/7", "2"), (None, "3"), ("orders/1/8", None), *[(None, None)] * 3]


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
    batches = shaped(spark, values).coalesce(1).toArrow().combine_chunks().to_batches()
    commit_partition(log_in("ingest"), "orders", Sink(), iter(batches))
    stored = sql("SELECT event_id::text, extra FROM raw.orders ORDER BY 1")
    assert stored == [(uid(number), extra) for number, extra in enumerate([*extras, {"note": "x"}])]


def test_what_jsonb_can_not_hold_is_kept_as_text(
    spark: SparkSession, log_in: Connect, sql: Callable[..., list[tuple]]
):
    value = as_bytes(event(1, note="?\\\t")).replace(b"?", b"\\ud800")
    batches = shaped(spark, [value]).toArrow().combine_chunks().to_batches()
    commit_partition(log_in("ingest"), "orders", Sink(), iter(batches))
    assert sql("SELECT jsonb_typeof(extra), extra FROM raw.orders") == [("string", value.decode())]


def test_cleaned_is_the_event_with_its_amount(spark: SparkSession):
    values: list[bytes | None] = [as_bytes(event(quantity=3, unit_price="19.9", x=1)), b"{"]
    judged = judge(parse(messages(spark, values), shortcut=False))
    valid, invalid = to_commit_rows(judged, with_cleaned=True).orderBy("offset").collect()
    assert json.loads(valid.cleaned) == event(quantity=3, unit_price="19.9") | {"amount": 59.7}
    assert '"amount":59.70' in valid.cleaned
    assert (valid.order_id, invalid.cleaned) == (event()["order_id"], None)
