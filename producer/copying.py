"""Arrow tables into PostgreSQL by COPY, as fast as the server takes them."""

import io
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.csv
from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor

from producer.catalog import CURRENCIES, Catalog, price_text
from producer.history import EVENT_TYPES, STATUSES, History
from producer.identifiers import UUID_LENGTH, seeded_ids
from producer.randomness import Ints

CHUNK_ROWS = 100_000
SEED_SOURCE = "seed"
_WITHOUT_HEADER = pyarrow.csv.WriteOptions(include_header=False)


def copy_table(cursor: Cursor, schema: str, name: str, rows: pa.Table) -> None:
    """Append `rows`, whose columns are named like the table's; raise psycopg2.Error if it refuses them."""
    columns = sql.SQL(", ").join(map(sql.Identifier, rows.column_names))
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv)").format(sql.Identifier(schema, name), columns)
    buffer = io.BytesIO()
    pyarrow.csv.write_csv(rows, buffer, _WITHOUT_HEADER)
    buffer.seek(0)
    cursor.copy_expert(statement, buffer)


def order_chunks(catalog: Catalog, history: History, node: int, schema_version: str) -> Iterator[pa.Table]:
    """Yield the history's events as rows of raw.orders, CHUNK_ROWS at a time, in the order they happened."""
    for start in range(0, len(history.event_us), CHUNK_ROWS):
        events = np.arange(start, min(start + CHUNK_ROWS, len(history.event_us)), dtype=np.int64)
        yield _order_rows(catalog, history, events, node, schema_version)


def _order_rows(catalog: Catalog, history: History, events: Ints, node: int, schema_version: str) -> pa.Table:
    order, event_us = history.event_order[events], history.event_us[events]
    ordered_us, product = history.ordered_us[order], history.product[order]
    prices = history.prices.value[history.price_row[order]]
    return pa.table(
        {
            "event_id": _uuids(event_us, events, node),
            "event_type": _named(EVENT_TYPES, history.event_type[events]),
            "event_time": _timestamps(event_us),
            "schema_version": _constant(schema_version, len(events)),
            "order_id": _uuids(ordered_us, order, node),
            "order_version": history.version[events],
            "ordered_at": _timestamps(ordered_us),
            "customer_id": history.customer[order] + 1,
            "product_id": product + 1,
            "quantity": history.quantity[order],
            "unit_price": _prices(prices),
            "currency": _named(CURRENCIES, catalog.currency[product]),
            "status": _named(STATUSES, history.status[events]),
            "source": _constant(SEED_SOURCE, len(events)),
        }
    )


def _uuids(microseconds: Ints, counter: Ints, node: int) -> pa.Array:
    text = seeded_ids(microseconds // 1_000, counter, node)
    offsets = np.arange(len(text) + 1, dtype=np.int32) * UUID_LENGTH
    return pa.StringArray.from_buffers(len(text), pa.py_buffer(offsets), pa.py_buffer(text))


def _timestamps(microseconds: Ints) -> pa.Array:
    return pa.array(microseconds).cast(pa.timestamp("us", tz="UTC"))


def _named(names: tuple[str, ...], index: Ints) -> pa.Array:
    return pa.array(names).take(pa.array(index))


def _constant(value: str, size: int) -> pa.Array:
    return pa.repeat(value, size)


def _prices(cents: Ints) -> pa.Array:
    distinct, index = np.unique(cents, return_inverse=True)
    return pa.array([price_text(int(value)) for value in distinct]).take(pa.array(index))
