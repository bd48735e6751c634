"""The live stream: reproducible, in the shares asked for, valid and invalid where it says so."""

import json
from collections import Counter, defaultdict
from datetime import UTC, datetime
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from pipeline.events import OrderEvent, json_schema
from producer.catalog import CURRENCIES, build_catalog, price_text
from producer.invalid import INVALID_KINDS
from producer.messages import Message, Shares, timestamp
from producer.run import ProducePlan, event_stream

START = datetime(2026, 6, 1, 12, 30, 15, 250_000, tzinfo=UTC)
START_US = 1_780_317_015_250_000
SHARES = Shares(updates=0.4, late=0.1, duplicate=0.1, invalid=0.1)
SIZE = 20_000
VALIDATOR = Draft202012Validator(json_schema())


def messages(
    size: int = SIZE, shares: Shares = SHARES, start_us: int = START_US, seed: int = 4
) -> list[Message]:
    plan = ProducePlan(rate=100, seed=seed, customers=200, products=40, shares=shares, start=START)
    return list(islice(event_stream(plan, start_us), size))


@pytest.fixture(scope="module")
def sent() -> list[Message]:
    return messages()


@pytest.fixture(scope="module")
def events(sent: list[Message]) -> list[OrderEvent]:
    """The valid events, each once, as they were sent."""
    valid = {message.event_id: message.value for message in sent if message.event_id}
    return [OrderEvent.model_validate_json(value) for value in valid.values()]


def passes_schema(value: bytes) -> bool:
    try:
        event = json.loads(value.decode("utf-8"))
    except ValueError:
        return False
    return VALIDATOR.is_valid(event)


def test_a_start_makes_it_reproducible_byte_for_byte(sent: list[Message]):
    assert messages(2_000) == sent[:2_000]
    assert messages(2_000, seed=5) != sent[:2_000]


def test_a_second_run_with_the_same_seed_shares_no_id(sent: list[Message]):
    later = messages(2_000, start_us=START_US + 1)
    assert {message.event_id for message in sent if message.event_id}.isdisjoint(
        message.event_id for message in later
    )
    assert {message.key for message in sent}.isdisjoint(message.key for message in later)


def test_shares_hold(sent: list[Message]):
    groups = Counter(message.kind.partition(":")[0] for message in sent)
    for kinds, share in (
        (("created",), 0.3),
        (("updated", "cancelled"), 0.4),
        (("late",), 0.1),
        (("duplicate",), 0.1),
        (("invalid",), 0.1),
    ):
        # Five standard deviations of a binomial with n = 20,000 are at most 0.018.
        assert sum(groups[kind] for kind in kinds) / SIZE == pytest.approx(share, abs=0.018), kinds


def test_every_kind_of_invalid_message_comes(sent: list[Message]):
    kinds = {message.kind for message in sent if message.kind.startswith("invalid")}
    assert kinds == {f"invalid:{kind}" for kind in INVALID_KINDS}


@given(seed=st.integers(0, 2**32), start_us=st.integers(0, 2**51), updates=st.floats(0, 0.5))
@settings(max_examples=30, deadline=None)
def test_what_is_called_valid_passes_the_schema_and_nothing_else(seed: int, start_us: int, updates: float):
    shares = Shares(updates=updates, late=0.1, duplicate=0.1, invalid=0.3)
    for message in messages(150, shares, start_us, seed):
        # The schema can't tell an absurd date from a good one; the stream judges it by Kafka's clock.
        expected = message.event_id is not None or message.kind == "invalid:absurd_timestamp"
        assert passes_schema(message.value) == expected, message


def test_absurd_timestamps_are_centuries_away(sent: list[Message]):
    for message in sent:
        if message.kind == "invalid:absurd_timestamp":
            event = json.loads(message.value)
            assert "3026" in (event["event_time"][:4], event["ordered_at"][:4])


def test_values_are_the_models_own_bytes_keyed_by_order(sent: list[Message]):
    for message in sent[:2_000]:
        if message.event_id:
            event = OrderEvent.model_validate_json(message.value)
            assert (event.to_bytes(), event.event_id) == (message.value, message.event_id)
            assert event.order_id.encode() == message.key


def test_an_orders_versions_grow_and_the_rest_stays(events: list[OrderEvent]):
    by_order: dict[str, list[OrderEvent]] = defaultdict(list)
    for event in events:
        by_order[event.order_id].append(event)
    changing = {"event_id", "event_type", "event_time", "order_version", "status"}
    path = ("placed", "paid", "shipped", "delivered")
    for order in by_order.values():
        assert [event.order_version for event in order] == list(range(1, len(order) + 1))
        assert len({event.model_dump_json(exclude=changing) for event in order}) == 1
        *before, last = [event.status for event in order]
        assert tuple(before) == path[: len(before)]
        assert last in ("cancelled", path[len(before)]) if before else last == "placed"
        assert [event.event_type == "cancelled" for event in order] == [
            event.status == "cancelled" for event in order
        ]
    assert max(len(order) for order in by_order.values()) == len(path)


def test_a_duplicate_is_an_earlier_message_byte_for_byte(sent: list[Message]):
    seen: set[tuple[bytes, bytes]] = set()
    for message in sent:
        if message.kind == "duplicate":
            assert (message.key, message.value) in seen
        elif message.event_id:
            assert (message.key, message.value) not in seen
            seen.add((message.key, message.value))


def test_late_orders_are_minutes_to_hours_old_and_others_are_new(sent: list[Message]):
    end_us = START_US + SIZE * 10_000
    late = [json.loads(message.value) for message in sent if message.kind == "late"]
    assert all(event["ordered_at"] == event["event_time"] for event in late)
    assert all(timestamp(START_US - 6 * 3_600_000_000) <= event["ordered_at"] for event in late)
    assert all(event["ordered_at"] < timestamp(end_us - 60_000_000) for event in late)
    created = [json.loads(message.value) for message in sent if message.kind == "created"]
    assert all(timestamp(START_US) <= event["ordered_at"] <= timestamp(end_us) for event in created)


def test_orders_point_at_the_catalog_and_cost_what_it_says(events: list[OrderEvent]):
    catalog = build_catalog(200, 40, 4)
    for event in events[:3_000]:
        assert 1 <= event.customer_id <= 200
        assert event.unit_price == price_text(int(catalog.price_cents[event.product_id - 1]))
        assert event.currency == CURRENCIES[catalog.currency[event.product_id - 1]]


def test_only_updates_still_begin_with_an_order():
    kinds = [message.kind for message in messages(50, Shares(updates=1.0))]
    assert kinds[0] == "created"
    assert kinds[1] in ("updated", "cancelled")
    assert [message.kind for message in messages(2, Shares(duplicate=1.0))] == ["created", "duplicate"]


@pytest.mark.parametrize(
    ("shares", "said"),
    [
        ({"late": 1.5}, "late=1.5"),
        ({"invalid": -0.1}, "invalid=-0.1"),
        ({"updates": 0.6, "duplicate": 0.6}, "updates 0.6 + duplicate 0.6 is more than 1"),
    ],
)
def test_impossible_shares_are_refused_by_name(shares: dict[str, float], said: str):
    with pytest.raises(ValueError, match=said.replace("+", r"\+")):
        Shares(**shares)


def test_shares_may_add_up_to_one():
    assert Shares(updates=0.7, late=0.1, duplicate=0.1, invalid=0.1).updates == 0.7
