"""Events in random order, each delivered three times, give the table that once and in order gives."""

import random
import uuid
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaProducer

from pipeline.events import OrderEvent
from producer.catalog import build_catalog
from producer.messages import Message, Shares
from producer.stream import EventStream
from tests.faults.programs import create_topics, delete_topics
from tests.faults.stack import CUSTOMERS, PRODUCTS, Stack
from tests.faults.test_starts import consume, forget

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]

EVENTS = 5_000
_START_US = 1_700_000_000_000_000
_STEP_US = 1_000


def events() -> list[Message]:
    """Return distinct valid events, most of them changes of earlier orders."""
    ticks = iter(range(_START_US, _START_US + 100 * EVENTS * _STEP_US, _STEP_US))
    shares = Shares(updates=0.7, late=0.05)
    stream = EventStream(build_catalog(CUSTOMERS, PRODUCTS, 42), shares, _START_US, lambda: next(ticks))
    return [next(stream) for _ in range(EVENTS)]


def facts_after(stack: Stack, messages: list[Message]) -> list[tuple[Any, ...]]:
    """Deliver the messages to a topic of their own; return the facts, whole, and take them out again."""
    topic = stack.topic(f"order-{uuid.uuid4().hex[:8]}")
    create_topics(stack, topic)
    with closing(KafkaProducer(bootstrap_servers=topic.bootstrap_servers, acks="all")) as client:
        for message in messages:
            client.send(
                topic.orders_topic,
                key=message.key,
                value=message.value,
                timestamp_ms=_START_US // 1_000 + 10**6,
            )
        client.flush()
    consume(stack, topic, stack.home.root.parent / f"checkpoints-{topic.orders_topic}")
    facts = stack.rows(
        "SELECT * FROM curated.fact_orders WHERE order_id IN"
        " (SELECT order_id FROM raw.orders WHERE source = %s) ORDER BY order_id",
        topic.orders_topic,
    )
    forget(stack, topic.orders_topic)
    delete_topics(stack, topic)
    return facts


def winners(messages: list[Message]) -> set[tuple[Any, ...]]:
    """Return what the winner rule says, worked out here once more: order, version, event, status."""
    best: dict[str, OrderEvent] = {}
    for event in (OrderEvent.model_validate_json(message.value) for message in messages):
        other = best.get(event.order_id)
        if other is None or (event.order_version, event.event_id) > (other.order_version, other.event_id):
            best[event.order_id] = event
    return {(each.order_id, each.order_version, each.event_id, each.status) for each in best.values()}


def test_random_order_and_three_deliveries_give_the_same_table(stack: Stack, tmp_path: Path):
    once = events()
    shuffled = once * 3
    random.Random(7).shuffle(shuffled)
    in_order, in_disorder = facts_after(stack, once), facts_after(stack, shuffled)
    assert in_order == in_disorder
    assert {(row[0], row[1], row[2], row[-1]) for row in in_order} == winners(once)
