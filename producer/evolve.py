"""Let some customers change their segment and some products their price: `seed --evolve`."""

from dataclasses import asdict, dataclass
from datetime import datetime

import numpy as np
from psycopg2.extensions import cursor as Cursor

from pipeline.database import connect_patiently
from pipeline.locks import SEED_LOCK, WRITERS_LOCK
from pipeline.settings import PostgresSettings
from producer.catalog import DEFAULT_SEED, SEGMENTS, price_text
from producer.randomness import generator
from producer.seed import SeedRefused

_CUSTOMERS = """
INSERT INTO raw.customers (customer_id, effective_at, name, email, country, segment)
SELECT customer_id, %(at)s, name, email, country, changed.segment
FROM unnest(%(ids)s::bigint[], %(values)s::text[]) AS changed (customer_id, segment)
CROSS JOIN LATERAL (
    SELECT name, email, country FROM raw.customers AS state WHERE state.customer_id = changed.customer_id
    ORDER BY effective_at DESC LIMIT 1
) AS newest
"""
_PRODUCTS = """
INSERT INTO raw.products (product_id, effective_at, name, category, unit_price, currency)
SELECT product_id, %(at)s, name, category, changed.unit_price, currency
FROM unnest(%(ids)s::bigint[], %(values)s::numeric[]) AS changed (product_id, unit_price)
CROSS JOIN LATERAL (
    SELECT name, category, currency FROM raw.products AS state WHERE state.product_id = changed.product_id
    ORDER BY effective_at DESC LIMIT 1
) AS newest
"""


@dataclass(frozen=True)
class EvolvePlan:
    """Which shares change, and from when on (UTC, whole seconds); the same rows give the same changes."""

    at: datetime
    customers: float = 0.02
    products: float = 0.05
    seed: int = DEFAULT_SEED


@dataclass(frozen=True)
class EvolveReport:
    """Rows appended; none if this plan was carried out before."""

    at: datetime
    customer_rows: int
    product_rows: int

    def as_json(self) -> dict[str, object]:
        """Return plain values for JSON."""
        return asdict(self) | {"at": self.at.isoformat()}


def evolve(settings: PostgresSettings, plan: EvolvePlan) -> EvolveReport:
    """Append the changes as role `ingest` in one transaction; a later batch makes versions of them.

    Members with a state at or after `plan.at` stay as they are, so a second run of a plan changes nothing.
    Raises SeedRefused if there is nobody to change, DatabaseUnavailable.
    """
    connection = connect_patiently(settings, "ingest", "ecom-seed")
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", (SEED_LOCK,))
            cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", (WRITERS_LOCK,))
            return EvolveReport(plan.at, _evolve_customers(cursor, plan), _evolve_products(cursor, plan))
    finally:
        connection.close()


def _evolve_customers(cursor: Cursor, plan: EvolvePlan) -> int:
    cursor.execute(
        "SELECT DISTINCT ON (customer_id) customer_id, segment, effective_at < %s FROM raw.customers"
        " ORDER BY customer_id, effective_at DESC",
        (plan.at,),
    )
    rows = cursor.fetchall()
    if not rows:
        raise SeedRefused("there are no customers to change: run `ecom seed` first")
    names = [segment.name for segment in SEGMENTS]
    rng = generator(plan.seed, f"evolve-customers-{plan.at:%Y%m%dT%H%M%S}")
    chosen, step = rng.random(len(rows)) < plan.customers, rng.integers(1, len(names), len(rows))
    changed = {
        identity: names[(names.index(segment) + int(move)) % len(names)]
        for (identity, segment, free), take, move in zip(rows, chosen, step, strict=True)
        if take and free
    }
    return _insert(cursor, _CUSTOMERS, plan.at, changed)


def _evolve_products(cursor: Cursor, plan: EvolvePlan) -> int:
    cursor.execute(
        "SELECT DISTINCT ON (product_id) product_id, (unit_price * 100)::bigint, effective_at < %s"
        " FROM raw.products ORDER BY product_id, effective_at DESC",
        (plan.at,),
    )
    rows = cursor.fetchall()
    rng = generator(plan.seed, f"evolve-products-{plan.at:%Y%m%dT%H%M%S}")
    chosen = rng.random(len(rows)) < plan.products
    factor = 1 + rng.uniform(0.03, 0.20, len(rows)) * rng.choice([-1.0, 1.0], len(rows))
    changed = {
        identity: price_text(_other_price(cents, float(share)))
        for (identity, cents, free), take, share in zip(rows, chosen, factor, strict=True)
        if take and free
    }
    return _insert(cursor, _PRODUCTS, plan.at, changed)


def _other_price(cents: int, factor: float) -> int:
    price = max(int(np.round(cents * factor)), 1)
    return price if price != cents else cents + 1


def _insert(cursor: Cursor, statement: str, at: datetime, changed: dict[int, str]) -> int:
    if not changed:
        return 0
    cursor.execute(statement, {"at": at, "ids": list(changed), "values": list(changed.values())})
    return cursor.rowcount
