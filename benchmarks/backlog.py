"""A backlog of order events: in a topic, and the same ones as COPY files for the floor."""

import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from confluent_kafka import Producer

from benchmarks.lab import CUSTOMERS, PARTITIONS, PRODUCTS, Lab

WARM_UP = 300_000
_UPDATE_SHARE = 0.1
_FILE_ROWS = 50_000
_QUEUE = 500_000


def events(count: int) -> Iterator[dict[str, object]]:
    """Yield valid events, a tenth of them updates of recent orders; time-ordered ids like the producer's."""
    draw = random.Random(7)
    base_ms = int(time.time() * 1000) - count
    recent: list[tuple[str, str, int]] = []
    for number in range(count):
        now_ms = base_ms + number
        moment = datetime.fromtimestamp(now_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        order_id, ordered_at, version = _uuid7(now_ms, draw), moment, 1
        if recent and draw.random() < _UPDATE_SHARE:
            place = draw.randrange(len(recent))
            order_id, ordered_at, before = recent[place]
            version = before + 1
            recent[place] = (order_id, ordered_at, version)
        elif len(recent) < 10_000:
            recent.append((order_id, ordered_at, 1))
        else:
            recent[draw.randrange(10_000)] = (order_id, ordered_at, 1)
        yield {
            "event_id": _uuid7(now_ms, draw),
            "event_type": "created" if version == 1 else "updated",
            "event_time": moment,
            "schema_version": "1.0",
            "order_id": order_id,
            "order_version": version,
            "ordered_at": ordered_at,
            "customer_id": draw.randint(1, CUSTOMERS),
            "product_id": draw.randint(1, PRODUCTS),
            "quantity": draw.randint(1, 5),
            "unit_price": f"{draw.randint(100, 99_999) / 100:.2f}",
            "currency": "EUR",
            "status": "placed" if version == 1 else "paid",
        }


def _uuid7(milliseconds: int, draw: random.Random) -> str:
    digits = f"{milliseconds:012x}7{draw.getrandbits(12):03x}8{draw.getrandbits(60):015x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def _json(event: dict[str, object]) -> str:
    # By hand: json.dumps would take most of the filling time.
    cells = (
        f'"{name}":{value}' if isinstance(value, int) else f'"{name}":"{value}"'
        for name, value in event.items()
    )
    return "{" + ",".join(cells) + "}"


def fill_topic(lab: Lab, topic: str, count: int) -> None:
    """Create `topic` and send `count` events, keyed by order_id, through librdkafka."""
    lab.create_topic(topic)
    producer = Producer(
        {
            "bootstrap.servers": lab.platform.kafka.bootstrap_servers,
            "linger.ms": 50,
            "queue.buffering.max.messages": 2 * _QUEUE,
        }
    )
    for number, event in enumerate(events(count)):
        producer.produce(topic, key=str(event["order_id"]), value=_json(event))
        if number % 1_000 == 0:
            producer.poll(0)
            while len(producer) > _QUEUE:
                producer.poll(0.1)
    producer.flush()


def write_copy_files(folder: Path, count: int) -> list[Path]:
    """Write the same events as lines for COPY into raw.orders: the event, \\N for extra, and their origin."""
    folder.mkdir()
    files: list[Path] = []
    rows: list[str] = []
    for number, event in enumerate(events(count), start=1):
        partition, offset = number % PARTITIONS, number // PARTITIONS
        cells = (*event.values(), "\\N", "orders", partition, offset, event["event_time"])
        rows.append("\t".join(map(str, cells)))
        if len(rows) == _FILE_ROWS or number == count:
            files.append(folder / f"{len(files):04d}.tsv")
            files[-1].write_text("\n".join(rows) + "\n", encoding="utf-8")
            rows.clear()
    return files
