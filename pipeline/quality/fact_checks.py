"""What must hold for curated.fact_orders."""

from typing import get_args

from pipeline.events import Currency, Status
from pipeline.quality.check import Check
from pipeline.quality.relations import FACT_COLUMNS
from pipeline.quality.row_counts import not_emptied
from pipeline.quality.sql_text import any_null, literals, null_names

_CURRENCIES, _STATUSES = literals(get_args(Currency)), literals(get_args(Status))
MAX_UNKNOWN_SHARE = 0.05
MAX_VANISHED_SHARE = 0.01

_ROWS = (
    not_emptied("fact_orders", "staged_facts"),
    Check(
        name="fact_orders_complete",
        table="fact_orders",
        meaning="Each order that the run rebuilds has a row.",
        rows="SELECT DISTINCT order_id FROM {expected_orders} AS expected WHERE NOT EXISTS ("
        "SELECT FROM {stored_facts} AS fact WHERE fact.order_id = expected.order_id)",
        columns=("order_id",),
        acceptable=False,
    ),
    Check(
        name="fact_orders_kept",
        table="fact_orders",
        meaning="A full rebuild deletes no more than 1 % of the published orders.",
        rows="SELECT order_id, ordered_at, NOT EXISTS (SELECT FROM raw.orders AS event"
        " WHERE event.event_id = published.event_id) AS vanishes FROM curated.fact_orders AS published",
        fault="vanishes",
        measured="(count(*) FILTER (WHERE vanishes))::float8 / nullif(count(*), 0)",
        skipped="'nothing is published yet'",
        columns=("order_id", "ordered_at"),
        limit=MAX_VANISHED_SHARE,
        phases=("gate",),
        kinds=("full",),
    ),
    Check(
        name="fact_orders_nulls",
        table="fact_orders",
        meaning="No column is null.",
        rows=f"SELECT *, {null_names(FACT_COLUMNS)} AS nulls FROM {{facts}} AS fact"
        f" WHERE {any_null(FACT_COLUMNS)}",
        columns=("nulls", *FACT_COLUMNS),
        acceptable=False,
    ),
    Check(
        name="fact_orders_unique",
        table="fact_orders",
        meaning="Each order is there once.",
        rows="SELECT order_id, count(*) AS row_count FROM {facts} AS fact WHERE order_id IS NOT NULL"
        " GROUP BY order_id HAVING count(*) > 1",
        columns=("order_id", "row_count"),
        acceptable=False,
    ),
)


def _orphans(member: str) -> Check:
    key = f"{member}_key"
    known = f"SELECT FROM {{all_{member}s}} AS version WHERE version.{key} = fact.{key}"
    # Facts that stay and point at versions the publication deletes: bounded by those versions' time, so that
    # block ranges spare the rest, and all of it when there are none. Late ones get new keys as it publishes.
    gone = (
        f"SELECT {key}, valid_from, valid_to FROM curated.dim_{member}s AS old WHERE {key} <> 0"
        f" AND {member}_id IN (SELECT {member}_id FROM {{{member}s}} AS changed) AND NOT EXISTS ("
        f"SELECT FROM {{all_{member}s}} AS version WHERE version.{key} = old.{key})"
    )
    return Check(
        name=f"fact_orders_{member}_known",
        table="fact_orders",
        meaning=f"Each {key} is in dim_{member}s; 0, the unknown member, is allowed.",
        rows=f"SELECT order_id, {key}, {member}_id, ordered_at FROM {{facts}} AS fact"
        f" WHERE {key} <> 0 AND NOT EXISTS ({known})"
        f" UNION SELECT order_id, {key}, {member}_id, ordered_at FROM {{all_facts}} AS fact"
        f" WHERE {key} IN (SELECT {key} FROM ({gone}) AS gone)"
        f" AND ordered_at >= (SELECT min(valid_from) FROM ({gone}) AS gone)"
        f" AND ordered_at < (SELECT max(valid_to) FROM ({gone}) AS gone)"
        " AND NOT EXISTS (SELECT FROM raw.orders AS late"
        " WHERE late.order_id = fact.order_id AND late.raw_id > %(until)s)",
        columns=("order_id", key, f"{member}_id", "ordered_at"),
    )


_REFERENCES = (
    _orphans("customer"),
    _orphans("product"),
    Check(
        name="fact_orders_unknown_share",
        table="fact_orders",
        meaning="Of the run's orders, at most 5 % wait for their customer or product.",
        rows="SELECT order_id, customer_id, product_id, customer_key = 0 OR product_key = 0 AS waits"
        " FROM {facts} AS fact",
        fault="waits",
        measured="(count(*) FILTER (WHERE waits))::float8 / nullif(count(*), 0)",
        columns=("order_id", "customer_id", "product_id"),
        severity="warning",
        limit=MAX_UNKNOWN_SHARE,
    ),
)


def _range(name: str, meaning: str, fault: str, column: str, acceptable: bool = True) -> Check:
    return Check(
        name=f"fact_orders_{name}",
        table="fact_orders",
        meaning=meaning,
        rows=f"SELECT * FROM {{facts}} AS fact WHERE {fault}",
        columns=("order_id", column, "ordered_at"),
        acceptable=acceptable,
    )


_RANGES = (
    _range("quantity", "quantity is positive.", "quantity <= 0", "quantity", acceptable=False),
    _range(
        "price",
        "unit_price, and so the amount, is not negative.",
        "unit_price < 0",
        "unit_price",
        acceptable=False,
    ),
    _range(
        "currency",
        f"currency is one of the order event's: {_CURRENCIES}.",
        f"currency NOT IN ({_CURRENCIES})",
        "currency",
    ),
    _range(
        "status",
        f"status is one of the order event's: {_STATUSES}.",
        f"status NOT IN ({_STATUSES})",
        "status",
    ),
)
FACT_ROWS = (*_ROWS, *_REFERENCES, *_RANGES)
