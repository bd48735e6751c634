"""Made-up events and messages, each the same in every run."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from pyspark.sql import DataFrame, SparkSession

RECEIVED = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)
RECEIVED_MS = int(RECEIVED.timestamp() * 1000)

_KAFKA_COLUMNS = (
    "key binary, value binary, topic string, partition int, offset bigint, timestamp timestamp,"
    " headers array<struct<key:string,value:binary>>"
)
Headers = list[tuple[str, bytes]]


def uid(number: int, kind: int = 0) -> str:
    """Return a UUID; a greater number gives a greater one."""
    return f"{kind:08x}-0000-7000-8000-{number:012x}"


def event(number: int = 1, /, **changes: Any) -> dict[str, Any]:
    """Return event `number` of order `number`, valid, with `changes`."""
    return {
        "event_id": uid(number),
        "event_type": "created",
        "event_time": "2026-02-03T04:05:06.123456Z",
        "schema_version": "1.0",
        "order_id": uid(number, kind=1),
        "order_version": 1,
        "ordered_at": "2026-02-03T04:00:00Z",
        "customer_id": 42,
        "product_id": 7,
        "quantity": 3,
        "unit_price": "19.99",
        "currency": "EUR",
        "status": "placed",
    } | changes


def now(number: int, **changes: Any) -> dict[str, Any]:
    """Return an event whose times are plausible today; Kafka stamps messages with the real clock."""
    today = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
    return event(number, event_time=today, ordered_at=today, **changes)


def without(name: str) -> dict[str, Any]:
    """Return a valid event that lacks one field."""
    return {key: value for key, value in event().items() if key != name}


def as_bytes(value: dict[str, Any], **options: Any) -> bytes:
    """Return an event as the producer writes it."""
    layout: dict[str, Any] = {"separators": (",", ":"), "ensure_ascii": False} | options
    return json.dumps(value, **layout).encode()


def messages(
    spark: SparkSession, values: Sequence[bytes | None], headers: list[Headers] | None = None
) -> DataFrame:
    """Return Kafka messages that were all received at RECEIVED; the offset is the place in `values`."""
    with_each = headers or [[] for _ in values]
    rows = [
        (b"key", value, "orders", 3, offset, RECEIVED, with_each[offset])
        for offset, value in enumerate(values)
    ]
    return spark.createDataFrame(rows, _KAFKA_COLUMNS)
