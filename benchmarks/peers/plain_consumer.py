"""Peer: what many start with. A kafka-python consumer, json.loads, psycopg2's execute_values."""

import json
from typing import Any

from kafka import KafkaConsumer
from psycopg2.extras import execute_values

from benchmarks.peers.floor import FACT_COLUMNS, UPSERT
from pipeline.database import connect
from pipeline.settings import KafkaSettings, PostgresSettings, load

_BATCH = 5_000
_RAW = (
    "INSERT INTO raw.orders (event_id, event_type, event_time, schema_version, order_id, order_version,"
    " ordered_at, customer_id, product_id, quantity, unit_price, currency, status, source, source_partition,"
    " source_offset, source_timestamp) VALUES %s ON CONFLICT (event_id) DO NOTHING"
)
_RAW_TEMPLATE = "(" + ", ".join(["%s"] * 16) + ", to_timestamp(%s))"
_FACTS = (
    f"INSERT INTO curated.fact_orders AS fact ({FACT_COLUMNS}) SELECT v.order_id::uuid, v.order_version,"
    " v.event_id::uuid, v.ordered_at::timestamptz, coalesce(c.customer_key, 0), coalesce(p.product_key, 0),"
    " v.customer_id, v.product_id, v.quantity, v.unit_price::numeric, v.currency, v.status"
    " FROM (VALUES %s) v (order_id, order_version, event_id, ordered_at, customer_id, product_id, quantity,"
    " unit_price, currency, status) LEFT JOIN curated.dim_customers c ON c.customer_id = v.customer_id"
    " AND v.ordered_at::timestamptz >= c.valid_from AND v.ordered_at::timestamptz < c.valid_to"
    " LEFT JOIN curated.dim_products p ON p.product_id = v.product_id"
    f" AND v.ordered_at::timestamptz >= p.valid_from AND v.ordered_at::timestamptz < p.valid_to{UPSERT}"
)
_FACT_KEYS = (
    "order_id", "order_version", "event_id", "ordered_at", "customer_id", "product_id", "quantity",
    "unit_price", "currency", "status",
)  # fmt: skip
_OFFSETS = (
    "INSERT INTO ops.stream_offsets (topic, partition, first_offset, next_offset, committed_at) VALUES %s"
    " ON CONFLICT (topic, partition) DO UPDATE SET next_offset = excluded.next_offset, committed_at = now()"
)


def main() -> None:
    """Consume until ended."""
    kafka = load(KafkaSettings)
    connection = connect(load(PostgresSettings), "ingest")
    consumer = KafkaConsumer(
        kafka.orders_topic,
        bootstrap_servers=kafka.bootstrap_servers,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        group_id=None,
        max_poll_records=_BATCH,
    )
    while True:
        polled = consumer.poll(timeout_ms=500)
        records = [record for batch in polled.values() for record in batch]
        if not records:
            continue
        events = [(record, json.loads(record.value)) for record in records]
        with connection, connection.cursor() as cursor:
            execute_values(cursor, _RAW, [_raw_row(*pair) for pair in events], _RAW_TEMPLATE, 1_000)
            latest: dict[str, dict] = {}
            for _, event in events:
                known = latest.get(event["order_id"])
                if known is None or event["order_version"] > known["order_version"]:
                    latest[event["order_id"]] = event
            rows = [tuple(event[key] for key in _FACT_KEYS) for event in latest.values()]
            execute_values(cursor, _FACTS, rows, page_size=1_000)
            ends = {(r.topic, r.partition): r.offset + 1 for r in records}
            execute_values(
                cursor, _OFFSETS, [(*k, 0, end) for k, end in ends.items()], "(%s, %s, %s, %s, now())"
            )


def _raw_row(record: Any, event: dict) -> tuple:
    place = (record.topic, record.partition, record.offset, record.timestamp / 1000)
    return (*event.values(), *place)


if __name__ == "__main__":
    main()
