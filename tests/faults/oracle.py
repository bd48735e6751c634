"""What must be true after every fault: `verify`, and the producers' own reports against the tables."""

import json
from collections import Counter
from collections.abc import Iterable
from typing import Any

from pipeline.dlq_topic import read_topic
from pipeline.verify import Report, verify
from tests.faults.stack import Stack

Place = tuple[int, int]


def check(stack: Stack) -> Report:
    """Check everything that was ever acknowledged in this stack; return what `verify` says."""
    report = verify(stack.postgres, stack.kafka, timeout_s=180)
    assert report.clean, report.as_dict()
    lines = [json.loads(line) for path in stack.reports for line in _whole_lines(path.read_text())]
    assert lines
    _valid_ones_are_in_raw_once(stack, lines)
    refused = {(line["partition"], line["offset"]) for line in lines if line["event_id"] is None}
    assert not (missing := refused - ledger(stack).keys()), f"not in the ledger: {sorted(missing)[:5]}"
    sent_on = {message.origin for message in read_topic(stack.kafka)}
    lost = [f"{stack.kafka.orders_topic}/{partition}/{offset}" for partition, offset in refused]
    assert not (lost := [origin for origin in lost if origin not in sent_on]), f"not in the DLQ: {lost[:5]}"
    _only_strangers_are_pending(stack)
    return report


def _whole_lines(text: str) -> Iterable[str]:
    # A producer killed in the middle of a line had its message acknowledged, but could not say so.
    return text[: text.rfind("\n") + 1].splitlines()


def _valid_ones_are_in_raw_once(stack: Stack, lines: list[dict[str, Any]]) -> None:
    stored = Counter(
        event_id
        for (event_id,) in stack.rows(
            "SELECT event_id::text FROM raw.orders WHERE source = %s", stack.kafka.orders_topic
        )
    )
    acknowledged = {line["event_id"] for line in lines if line["event_id"] is not None}
    wrong = {event_id: stored[event_id] for event_id in acknowledged if stored[event_id] != 1}
    assert not wrong, (
        f"{len(wrong)} acknowledged events are not in raw.orders once: {list(wrong.items())[:5]}"
    )


def _only_strangers_are_pending(stack: Stack) -> None:
    """Whoever is in a dimension must have been found there; fuzzed events name strangers."""
    unrepaired = stack.rows(
        "SELECT order_id FROM curated.fact_orders fact WHERE"
        " (customer_key = 0 AND customer_id IN (SELECT customer_id FROM curated.dim_customers))"
        " OR (product_key = 0 AND product_id IN (SELECT product_id FROM curated.dim_products))"
    )
    assert not unrepaired


def ledger(stack: Stack) -> dict[Place, str]:
    """Return the reason of each refused message by partition and offset."""
    entries = stack.rows(
        "SELECT partition, source_offset, reason FROM ops.dlq_events WHERE topic = %s",
        stack.kafka.orders_topic,
    )
    assert all(reason for _, _, reason in entries)
    return {(partition, offset): reason for partition, offset, reason in entries}
