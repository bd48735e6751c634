"""Spark's verdict on thousands of mutated messages is that of the model and of the checked-in JSON Schema.

Known differences, left out or set apart below:
- plausible times and `cancelled` with its status are the stream's own rules; the schema has none;
- JSON Schema calls 1.0 an integer, the model and Spark do not;
- U+0000 and unpaired surrogates are legal JSON: the stream refuses the first and keeps the second aside.
"""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from jsonschema.validators import extend
from pydantic import ValidationError
from pyspark.sql import SparkSession

from pipeline.events import FIELDS, OrderEvent
from pipeline.stream.validation import judge, parse
from tests.integration.samples import as_bytes, event, messages

SCHEMA_FILE = Path(__file__).parents[2] / "docs" / "order-event.schema.json"
OWN_RULES = (None, "timestamp_out_of_range", "inconsistent_event")
ODD: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 1.5, 2**31, 2**53, 2**63, 10**40, 1e300, "", " ", "x", "1", "null", "é"),
    *([], {}, [1], {"a": 1}, [[{}]], "1.0", 1.25, "2026-02-03T04:05:06Z", "EUR", "\t", '"', "\\", "}", "{"),
)
FRAGMENTS = (
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b'"',
    b"'",
    b"\\",
    b"\n",
    b"0",
    b"1.5",
    b"null",
    b"\xff",
    b"-",
)
Change = Callable[[random.Random], bytes]


def odd_value(rng: random.Random) -> bytes:
    return as_bytes(event(**{rng.choice(FIELDS): rng.choice(ODD)}))


def border_number(rng: random.Random) -> bytes:
    name = rng.choice(("quantity", "order_version", "customer_id", "product_id"))
    border = rng.choice((1, 9_999, 10_000, 2**31 - 1, 2**53 - 1, 999_999_999, 10**15))
    return as_bytes(event(**{name: border + rng.randint(-2, 2)}))


def changed_text(rng: random.Random) -> bytes:
    name = rng.choice(FIELDS)
    text = str(event()[name])
    place = rng.randrange(len(text) + 1)
    middle = rng.choice(
        ("", "0", "9", "a", "F", "-", ".", " ", "\n", "\u00e9", "Z", text[place : place + 1] * 2)
    )
    return as_bytes(event(**{name: text[:place] + middle + text[place + 1 :]}))


def unknown_fields(rng: random.Random) -> bytes:
    extra = {rng.choice(("x", "Quantity", "quantity ", "unit.price", "", "$", "a b")): rng.choice(ODD)}
    return as_bytes(
        event(**{rng.choice(FIELDS): rng.choice(ODD)}, **extra) if rng.random() < 0.3 else event(**extra)
    )


def shuffled(rng: random.Random) -> bytes:
    names = rng.sample(FIELDS, rng.choice((len(FIELDS), len(FIELDS), len(FIELDS) - 1)))
    layout: dict[str, Any] = rng.choice(
        ({}, {"indent": 1}, {"separators": (", ", ": ")}, {"ensure_ascii": True})
    )
    return as_bytes({name: event()[name] for name in names}, **layout)


def damaged_bytes(rng: random.Random) -> bytes:
    value, count = as_bytes(event()), rng.choice((0, 0, 1, 3))
    place = rng.randrange(len(value) + 1)
    return value[:place] + rng.choice(FRAGMENTS) + value[place + count :]


def around(rng: random.Random) -> bytes:
    value = as_bytes(rng.choice((event(), event(x=1))))
    return (
        rng.choice((b"", b" ", b"\n", b"[", b"x", value))
        + value
        + rng.choice((b"", b"\r\n", *FRAGMENTS, value))
    )


CHANGES: tuple[Change, ...] = (
    odd_value, border_number, changed_text, unknown_fields, shuffled, damaged_bytes, around,
)  # fmt: skip


def whole_number(_: Any, instance: Any) -> bool:
    return isinstance(instance, int) and not isinstance(instance, bool)


def ecma_pattern(_: Any, pattern: str, instance: Any, __: Any) -> Any:
    # Python's `$` also stops before a last newline, ECMA's does not.
    whole = dict(type="string", pattern=pattern.removesuffix("$") + r"\Z")
    if isinstance(instance, str) and not jsonschema.Draft202012Validator(whole).is_valid(instance):
        yield jsonschema.ValidationError(f"{instance!r} does not match {pattern!r}")


_validator = extend(
    jsonschema.Draft202012Validator,
    {"pattern": ecma_pattern},
    type_checker=jsonschema.Draft202012Validator.TYPE_CHECKER.redefine("integer", whole_number),
)(json.loads(SCHEMA_FILE.read_text(encoding="utf-8")))


def by_schema(value: bytes) -> bool:
    def refuse(constant: str) -> None:
        raise ValueError(constant)

    try:
        return bool(_validator.is_valid(json.loads(value.decode(), parse_constant=refuse)))
    except ValueError:
        return False


def by_model(value: bytes) -> bool:
    try:
        OrderEvent.model_validate_json(value)
    except ValidationError:
        return False
    return True


@pytest.fixture(scope="module")
def mutations() -> list[bytes]:
    rng = random.Random(3)
    return [CHANGES[number % len(CHANGES)](rng) for number in range(4_000)]


@pytest.mark.parametrize("shortcut", [True, False])
def test_spark_the_model_and_the_schema_agree(spark: SparkSession, mutations: list[bytes], shortcut: bool):
    rows = judge(parse(messages(spark, list(mutations)), shortcut)).select("offset", "reason").collect()
    by_spark = {row.offset: row.reason in OWN_RULES for row in rows}
    differing = [
        (value, by_spark[place], by_model(value), by_schema(value))
        for place, value in enumerate(mutations)
        if not by_spark[place] == by_model(value) == by_schema(value)
    ]
    assert not differing, "message, Spark, model, schema"
    # Each verdict is well represented, or the agreement says little.
    assert 500 < sum(by_spark.values()) < 3_500


def test_the_known_differences_are_still_there(spark: SparkSession):
    surrogate = as_bytes(event(note="?")).replace(b"?", b"\\ud800")
    nul = as_bytes(event(note="\x00"))
    decimal = as_bytes(event(quantity=3.0))
    rows = judge(parse(messages(spark, [surrogate, nul, decimal]))).orderBy("offset").collect()
    assert [row.reason for row in rows] == [None, "nul_character", "invalid_field"]
    assert [by_model(value) for value in (surrogate, nul, decimal)] == [False, True, False]
    assert jsonschema.Draft202012Validator(_validator.schema).is_valid(json.loads(decimal))
