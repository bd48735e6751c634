"""The order event: the file in docs/ is up to date, and the model and the JSON Schema judge alike."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema.validators import extend
from pydantic import ValidationError

from pipeline.events import FIELDS, MAX_ID, OrderEvent, json_schema, json_schema_text

SCHEMA_FILE = Path(__file__).parents[2] / "docs" / "order-event.schema.json"
GOOD: dict[str, Any] = {
    "event_id": "0f8fad5b-d9cb-469f-a165-70867728950e",
    "event_type": "created",
    "event_time": "2026-02-03T04:05:06.123456Z",
    "schema_version": "1.0",
    "order_id": "7c9e6679-7425-40de-944b-e07fc1f90ae7",
    "order_version": 1,
    "ordered_at": "2026-02-03T04:05:06Z",
    "customer_id": 42,
    "product_id": 7,
    "quantity": 3,
    "unit_price": "19.99",
    "currency": "EUR",
    "status": "placed",
}


def ecma_pattern(_: Any, pattern: str, instance: Any, __: Any) -> Iterator[jsonschema.ValidationError]:
    # JSON Schema means ECMA's `$`, the end of the text; Python's re also stops before a last newline.
    if isinstance(instance, str) and not re.search(re.sub(r"\$$", r"\\Z", pattern), instance):
        yield jsonschema.ValidationError(f"{instance!r} does not match {pattern!r}")


def whole_number(_: Any, instance: Any) -> bool:
    # JSON Schema calls 1.0 an integer; the event doesn't (the one known difference, tested below).
    return isinstance(instance, int) and not isinstance(instance, bool)


_validator = extend(
    jsonschema.Draft202012Validator,
    {"pattern": ecma_pattern},
    type_checker=jsonschema.Draft202012Validator.TYPE_CHECKER.redefine("integer", whole_number),
)(json_schema())


def by_schema(event: Any) -> bool:
    return bool(_validator.is_valid(event))


def by_model(event: Any) -> bool:
    try:
        OrderEvent.model_validate_json(json.dumps(event))
    except ValidationError:
        return False
    return True


def judged_alike(event: Any) -> bool:
    """Return the common verdict; fail if there is none."""
    model, schema = by_model(event), by_schema(event)
    assert model == schema, f"model says {model}, schema says {schema}: {event!r}"
    return model


def test_the_file_in_docs_is_up_to_date():
    assert SCHEMA_FILE.read_text(encoding="utf-8") == json_schema_text(), (
        "run `make schema` and commit the file"
    )


def test_the_schema_is_a_valid_one_and_every_field_is_required():
    jsonschema.Draft202012Validator.check_schema(json_schema())
    assert sorted(json_schema()["required"]) == sorted(FIELDS)


def test_what_the_model_writes_the_schema_takes():
    event = OrderEvent(**GOOD)
    assert json.loads(event.to_bytes()) == GOOD
    assert by_schema(json.loads(event.to_bytes()))


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"gift_note": "an optional field of a later minor version"},
        {"schema_version": "1.7"},
        {"customer_id": MAX_ID},
        {"quantity": 10_000},
        {"unit_price": "0"},
        {"unit_price": "12345678.9"},
    ],
)
def test_good_events(change):
    assert judged_alike(GOOD | change)


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("value", [None, "", [], {}, True, 1.5, -1, 0, 2**60, "x", "\x00", "Infinity"])
def test_bad_values_of_each_field(field, value):
    assert not judged_alike(GOOD | {field: value})


@pytest.mark.parametrize("field", FIELDS)
def test_a_missing_field(field):
    assert not judged_alike({name: value for name, value in GOOD.items() if name != field})


@pytest.mark.parametrize(
    "change",
    [
        {"schema_version": "2.0"},
        {"schema_version": "1"},
        {"event_time": "2026-02-03T04:05:06"},
        {"event_time": "2026-02-03 04:05:06Z"},
        {"event_time": "2026-02-03T04:05:06+01:00"},
        {"event_time": "2026-02-03T04:05:06Z\n"},
        {"event_id": GOOD["event_id"].upper()},
        {"event_id": GOOD["event_id"] + "\n"},
        {"unit_price": 19.99},
        {"unit_price": "19.999"},
        {"unit_price": "-1"},
        {"unit_price": "1e3"},
        {"unit_price": "٣"},
        {"customer_id": MAX_ID + 1},
        {"customer_id": "42"},
        {"quantity": 10_001},
        {"currency": "XXX"},
        {"currency": "eur"},
        {"status": "lost"},
        {"event_type": "deleted"},
    ],
)
def test_bad_events(change):
    assert not judged_alike(GOOD | change)


@pytest.mark.parametrize("event", [None, [], "text", 1, [GOOD]])
def test_what_is_no_object(event):
    assert not judged_alike(event)


def test_an_integer_written_with_a_fraction_is_the_one_known_difference():
    event = GOOD | {"quantity": 3.0}
    assert jsonschema.Draft202012Validator(json_schema()).is_valid(event)
    assert not by_model(event)


# A busy machine is no failure.
unhurried = settings(deadline=None)

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


def of_the_field(name: str) -> st.SearchStrategy[Any]:
    """Values near the field's border: what its schema allows, or that cut, lengthened or in capitals."""
    spec = json_schema()["properties"][name]
    if "enum" in spec:
        return st.sampled_from(spec["enum"])
    if spec["type"] == "integer":
        low, high = spec["minimum"], spec["maximum"]
        return st.integers(low, high) | st.integers(low - 2, low + 2) | st.integers(high - 2, high + 2)
    good = st.from_regex(re.sub(r"\$$", r"\\Z", spec["pattern"]))
    return (
        good
        | good.map(str.upper)
        | good.map(lambda text: text[:-1])
        | st.builds(str.__add__, good, st.text())
    )


@unhurried
@given(st.fixed_dictionaries({name: of_the_field(name) for name in FIELDS}))
def test_events_near_the_borders_are_judged_alike(event):
    judged_alike(event)


@unhurried
@given(st.sampled_from(FIELDS), JSON_VALUES)
def test_events_with_one_field_of_anything_are_judged_alike(field, value):
    judged_alike(GOOD | {field: value})


@unhurried
@given(st.dictionaries(st.text().filter(lambda name: name not in FIELDS), JSON_VALUES, max_size=3))
def test_unknown_fields_are_kept_and_break_nothing(extra):
    assert judged_alike(GOOD | extra)
    assert json.loads(OrderEvent.model_validate_json(json.dumps(GOOD | extra)).to_bytes()) == GOOD | extra
