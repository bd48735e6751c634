"""The floor: the same durable writes by COPY from prepared files, with no Kafka and no Spark."""

import threading
import time
from pathlib import Path
from queue import Empty, SimpleQueue

from benchmarks.lab import Lab

COLUMNS = (
    "event_id, event_type, event_time, schema_version, order_id, order_version, ordered_at, customer_id,"
    " product_id, quantity, unit_price, currency, status, extra, source, source_partition, source_offset,"
    " source_timestamp"
)
FACT_COLUMNS = (
    "order_id, order_version, event_id, ordered_at, customer_key, product_key, customer_id, product_id,"
    " quantity, unit_price, currency, status"
)
UPSERT = (
    " ON CONFLICT (order_id) DO UPDATE SET order_version = excluded.order_version,"
    " event_id = excluded.event_id, ordered_at = excluded.ordered_at, customer_key = excluded.customer_key,"
    " product_key = excluded.product_key, customer_id = excluded.customer_id,"
    " product_id = excluded.product_id, quantity = excluded.quantity, unit_price = excluded.unit_price,"
    " currency = excluded.currency, status = excluded.status"
    " WHERE (excluded.order_version, excluded.event_id) > (fact.order_version, fact.event_id)"
)
_STAGE = f"CREATE TEMPORARY TABLE staged ON COMMIT DELETE ROWS AS SELECT {COLUMNS} FROM raw.orders LIMIT 0"
# The keys are taken as given: finding them is not a durable write.
_FACTS = (
    f"INSERT INTO curated.fact_orders AS fact ({FACT_COLUMNS}) SELECT DISTINCT ON (order_id) order_id,"
    " order_version, event_id, ordered_at, customer_id, product_id, customer_id, product_id, quantity,"
    f" unit_price, currency, status FROM staged ORDER BY order_id, order_version DESC, event_id DESC{UPSERT}"
)


def load_files(lab: Lab, files: list[Path], connections: int) -> float:
    """Load each file in one transaction, on so many connections at once; return the seconds it took."""
    queue: SimpleQueue[Path] = SimpleQueue()
    for file in files:
        queue.put(file)
    threads = [threading.Thread(target=_load, args=(lab, queue)) for _ in range(connections)]
    started = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.monotonic() - started


def _load(lab: Lab, queue: "SimpleQueue[Path]") -> None:
    connection = lab.connect()
    with connection, connection.cursor() as cursor:
        cursor.execute(_STAGE)
    while True:
        try:
            file = queue.get_nowait()
        except Empty:
            break
        with connection, connection.cursor() as cursor:
            for table in (f"raw.orders ({COLUMNS})", "staged"):
                with file.open("rb") as lines:
                    cursor.copy_expert(f"COPY {table} FROM STDIN", lines, size=1 << 20)
            cursor.execute(_FACTS)
    connection.close()
