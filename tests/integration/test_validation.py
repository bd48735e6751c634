"""Validation by columns: each reason and each rule at its border, by the shortcut and by the parser alike."""

import json
from typing import Any, NamedTuple

import pytest
from pyspark.sql import SparkSession

from pipeline.events import FIELDS, MAX_ID
from pipeline.stream.canonical import add_canonical
from pipeline.stream.validation import judge, parse
from tests.integration.samples import as_bytes, event, messages, without

GOOD = as_bytes(event())


class Case(NamedTuple):
    """A message and what is said of it; reason None is a valid event."""

    name: str
    value: bytes | None
    reason: str | None = None
    detail: str | None = ""


def field(name: str, value: Any) -> Case:
    """One field that breaks its rule."""
    return Case(f"{name}={value!r}", as_bytes(event(**{name: value})), "invalid_field", name)


def fine(name: str, **changes: Any) -> Case:
    return Case(name, as_bytes(event(**changes)), None)


def refused(name: str, value: bytes | None, reason: str = "malformed_json") -> Case:
    return Case(name, value, reason)


def untimely(name: str, **changes: str) -> Case:
    changed = event(**changes)
    detail = f"{changed['event_time']} / {changed['ordered_at']}"
    return Case(name, as_bytes(changed), "timestamp_out_of_range", detail)


def replaced(old: str, new: str) -> bytes:
    assert old.encode() in GOOD
    return GOOD.replace(old.encode(), new.encode())


VALID = [
    Case("as the producer writes it", GOOD),
    Case("blanks after commas and colons", as_bytes(event(), separators=(", ", ": "))),
    Case("pretty-printed", as_bytes(event(), indent=2)),
    Case("pretty-printed with a last newline", as_bytes(event(), indent=2) + b"\r\n"),
    Case("keys in another order", as_bytes(dict(reversed(event().items())))),
    Case("blanks around", b"  \t\n" + GOOD + b"  "),
    Case("escaped letters in a value", replaced("placed", "pl\\u0061ced")),
    fine("least quantity", quantity=1),
    fine("greatest quantity", quantity=10_000),
    fine("9999, the shortcut's greatest", quantity=9_999),
    fine("greatest version", order_version=2**31 - 1),
    fine("greatest ids", customer_id=MAX_ID, product_id=MAX_ID),
    fine("free", unit_price="0"),
    fine("longest price", unit_price="12345678.99"),
    fine("one decimal", unit_price="1.5"),
    fine("leading zeros in a price", unit_price="00000001.50"),
    fine("a later minor version", schema_version="1.999"),
    fine("cancelled", event_type="cancelled", status="cancelled"),
    fine("updated to cancelled", event_type="updated", status="cancelled"),
    fine("leap day", ordered_at="2024-02-29T00:00:00Z"),
    fine("ordered at the time of the event", ordered_at="2026-02-03T04:05:06.123456Z"),
    fine("clock an hour ahead", event_time="2026-02-03T05:05:06Z"),
    fine("366 days late", event_time="2025-02-02T04:05:06Z", ordered_at="2025-02-02T04:05:06Z"),
    fine("ordered 3660 days ago", ordered_at="2016-01-27T04:05:06Z"),
    fine("an unknown field", gift_note="to \t you"),
    fine("a nested unknown field", gift={"unit_price": 1, "tags": [{"a": None}]}),
    fine("an escaped backslash before u0000", note="\\u0000"),
    fine("a brace inside an unknown field", note="}{"),
    fine("letters of every plane", note="é 漢 😀"),
    Case("a key twice: the last one counts", replaced('{"', '{"quantity":0,"')),
]
NOT_JSON = [
    refused("null", None, "empty_value"),
    refused("no bytes", b"", "empty_value"),
    refused("bad UTF-8 in a value", GOOD.replace(b"placed", b"pl\xffced"), "invalid_utf8"),
    refused("bad UTF-8 in an unknown field", as_bytes(event(x="?")).replace(b"?", b"\xc3("), "invalid_utf8"),
    refused("blanks only", b"  "),
    refused("text", b"hello"),
    refused("truncated", GOOD[:-1]),
    refused("truncated in a value", GOOD[:-30]),
    refused("an array", b"[" + GOOD + b"]"),
    refused("an empty array", b"[]"),
    refused("a number", b"12"),
    refused("JSON null", b"null"),
    refused("trailing text", GOOD + b"x"),
    refused("a trailing brace", GOOD + b"}"),
    refused("a trailing comma", replaced('"status":"placed"', '"status":"placed",')),
    refused("two objects", GOOD + GOOD),
    refused("two objects on two lines", GOOD + b"\n" + GOOD),
    refused("two objects with a comma", GOOD + b"," + GOOD),
    refused("brackets that would close a list", GOOD + b"],[{}"),
    refused("brackets and an event", GOOD + b"],[" + GOOD),
    refused("trailing text after an unknown field", as_bytes(event(note="x")) + b"x{}"),
    refused("single quotes", GOOD.replace(b'"', b"'")),
    refused("unquoted keys", replaced('"quantity"', "quantity")),
    refused("leading zeros", replaced('"quantity":3', '"quantity":03')),
    refused("leading zeros in an unknown field", replaced('{"', '{"x":01,"')),
    refused("NaN in an unknown field", replaced('{"', '{"x":NaN,"')),
    refused("Infinity in an unknown field", replaced('{"', '{"x":-Infinity,"')),
    refused("a comment", b"/* new */" + GOOD),
    refused("a byte order mark", b"\xef\xbb\xbf" + GOOD),
    refused("UTF-16", GOOD.decode().encode("utf-16-le")),
    refused("a tab inside a string", replaced("placed", "pla\tced")),
    refused("NaN", replaced('"quantity":3', '"quantity":NaN')),
    refused("an escaped NUL", as_bytes(event(note="a\x00")), "nul_character"),
    refused("an escaped NUL in a key", as_bytes(event(**{"a\x00": 1})), "nul_character"),
    refused("an escaped NUL after an escaped backslash", as_bytes(event(note="\\\x00")), "nul_character"),
    refused("an escaped NUL in a known field", as_bytes(event(status="placed\x00")), "nul_character"),
]
MISSING = [
    *(Case(f"no {name}", as_bytes(without(name)), "missing_field", name) for name in FIELDS),
    Case("a field that is null", as_bytes(event(currency=None)), "missing_field", "currency"),
    Case("an empty object", b"{}", "missing_field", ", ".join(FIELDS)),
    Case(
        "a key twice, another one missing",
        b'{"quantity":1,' + as_bytes(without("status"))[1:],
        "missing_field",
        "status",
    ),
]
ODD_NUMBERS: tuple[Any, ...] = (0, 10_001, -1, 1.0, 1.5, "3", True, 2**40, 10**30, [], {})
INVALID = [
    *(field("quantity", value) for value in ODD_NUMBERS),
    *(field("order_version", value) for value in (0, 2**31)),
    *(field("customer_id", value) for value in (0, MAX_ID + 1, "42", 1e3)),
    *(field("product_id", value) for value in (0, MAX_ID + 1, 2**70)),
    *(field("unit_price", value) for value in (19.99, 20, "", "-1", "1.999", "123456789", "1e3", ".5", "1.")),
    *(field("unit_price", value) for value in ("1,5", " 1", "1\n", "٣", "NaN", True, {"unit_price": "1"})),
    *(field("currency", value) for value in ("eur", "XXX", "", 5, ["EUR"])),
    *(field("status", value) for value in ("lost", "Placed", "placed ", "placed\n")),
    *(field("event_type", value) for value in ("deleted", "created\n", False)),
    *(field("schema_version", value) for value in (1.0, 1.5, "1", "1.", "1.0000", "1.0\n", "v1.0", "", 1)),
    *(field("event_id", value) for value in (event()["event_id"] + "\n", "x", "", 7, "{}")),
    *(field("event_time", value) for value in ("2026-02-03", "2026-02-03T04:05:06", "", 1_770_000_000)),
    *(field("event_time", f"2026-02-03T04:05:06{end}") for end in ("+01:00", ".Z", ".1234567Z", "Z\n", "z")),
    Case(
        "UUIDs in capitals",
        GOOD.replace(b"00000001-0000", b"0000000A-0000"),
        "invalid_field",
        "order_id",
    ),
    Case("a number as price, a nested price as string", as_bytes(event(unit_price=5, x={"unit_price": "5"})),
         "invalid_field", "unit_price"),
    Case("a price twice, the last a number", GOOD[:-1] + b',"unit_price":5}', "invalid_field", "unit_price"),
    Case("two fields at once", as_bytes(event(quantity=0, currency="x")), "invalid_field",
         "quantity, currency"),
    Case("a key twice, the last one wrong", GOOD[:-1] + b',"quantity":0}', "invalid_field", "quantity"),
]  # fmt: skip
OTHERS = [
    *(
        Case(f"version {major}", as_bytes(event(schema_version=major)), "unsupported_schema_version", major)
        for major in ("2.0", "0.9", "10.0", "11.2")
    ),
    untimely("clock over an hour ahead", event_time="2026-02-03T05:05:06.000001Z"),
    untimely("over 366 days late", event_time="2025-02-02T04:05:05.9Z", ordered_at="2025-01-01T00:00:00Z"),
    untimely("ordered over 3660 days ago", ordered_at="2016-01-27T04:05:05.999999Z"),
    untimely("ordered after the event", ordered_at="2026-02-03T04:05:06.123457Z"),
    untimely("a day that does not exist", ordered_at="2026-01-32T00:00:00Z"),
    untimely("no leap year", ordered_at="2025-02-29T00:00:00Z"),
    untimely("hour 24", ordered_at="2026-02-02T24:00:00Z"),
    untimely("a leap second", ordered_at="2025-12-31T23:59:60Z"),
    untimely("month 0", ordered_at="2025-00-10T00:00:00Z"),
    untimely("year 0", ordered_at="0000-01-01T00:00:00Z"),
    untimely("a thousand years ahead", event_time="3026-02-03T04:05:06Z"),
    refused("cancelled, but paid", as_bytes(event(event_type="cancelled")), "inconsistent_event"),
    refused("also with more", as_bytes(event(event_type="cancelled", x=1)), "inconsistent_event"),
]  # fmt: skip
CASES = [*(case._replace(detail=None) for case in VALID), *NOT_JSON, *MISSING, *INVALID, *OTHERS]

Verdicts = dict[str, tuple[str | None, str | None]]


def verdicts(spark: SparkSession, shortcut: bool) -> Verdicts:
    judged = judge(parse(messages(spark, [case.value for case in CASES]), shortcut))
    rows = judged.select("offset", "reason", "detail").collect()
    return {CASES[row.offset].name: (row.reason, row.detail) for row in rows}


@pytest.fixture(scope="module")
def by_parser(spark: SparkSession) -> Verdicts:
    return verdicts(spark, shortcut=False)


@pytest.fixture(scope="module")
def with_shortcut(spark: SparkSession) -> Verdicts:
    return verdicts(spark, shortcut=True)


def test_no_two_cases_have_one_name():
    assert len({case.name for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_message_is_judged_by_its_rule(by_parser: Verdicts, case: Case):
    assert by_parser[case.name] == (case.reason, case.detail)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_shortcut_says_what_the_parser_says(with_shortcut: Verdicts, case: Case):
    assert with_shortcut[case.name] == (case.reason, case.detail)


def test_the_shortcut_takes_what_our_producer_writes_and_no_other_message(spark: SparkSession):
    values = [GOOD, as_bytes(event(), separators=(", ", ": ")), as_bytes(event(x=1)), b"x" + GOOD]
    rows = add_canonical(messages(spark, values).selectExpr("*", "cast(value AS string) AS text")).collect()
    taken = "\t".join(str(value) for value in event().values())
    assert [row.canonical for row in rows] == [taken, taken, None, None]


def test_two_escaped_nuls_and_json_itself_agree():
    # The cases above say `\u0000` in Python's words; this is what went over the wire.
    assert b"a\\u0000" in as_bytes(event(note="a\x00"))
    assert b"\\\\u0000" in as_bytes(event(note="\\u0000"))
    assert json.loads(as_bytes(event(note="\\\x00")))["note"] == "\\\x00"
