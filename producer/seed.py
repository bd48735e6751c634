"""Load customers, products and past orders into an empty warehouse: `seed`."""

import time
import zlib
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, timedelta

from psycopg2.extensions import cursor as Cursor

from pipeline.database import connect_patiently
from pipeline.events import SCHEMA_VERSION
from pipeline.locks import SEED_LOCK, WRITERS_LOCK
from pipeline.settings import PostgresSettings
from producer.catalog import DEFAULT_CUSTOMERS, DEFAULT_PRODUCTS, DEFAULT_SEED, build_catalog
from producer.copying import SEED_SOURCE, copy_table, order_chunks
from producer.history import build_history
from producer.identifiers import node_of
from producer.members import customer_rows, product_rows
from producer.versions import Window

Progress = Callable[[int, int], None]

# Raised whenever the same arguments would give other rows.
GENERATOR_VERSION = 1
_EPOCH = date(1970, 1, 1)
_DAY_BITS = 16


class SeedRefused(RuntimeError):
    """The warehouse holds something else already; the message says what to do."""


@dataclass(frozen=True)
class SeedPlan:
    """What to load; `until` is the first UTC day not in it, None for today or whatever is there already."""

    customers: int = DEFAULT_CUSTOMERS
    products: int = DEFAULT_PRODUCTS
    orders: int = 50_000
    days: int = 90
    seed: int = DEFAULT_SEED
    until: date | None = None

    def __post_init__(self) -> None:
        if self.until is not None and (self.until - _EPOCH).days < self.days:
            raise ValueError(
                f"{self.days} days before {self.until} would begin before {_EPOCH}, where ids do"
            )

    def node(self, until: date) -> int:
        """Return the node part of the seed's ids: which plan it was, and its last day."""
        return self._print() << _DAY_BITS | (until - _EPOCH).days

    def made(self, node: int) -> date | None:
        """Return the last day of a seed if it was made from this plan, else None."""
        until = _EPOCH + timedelta(days=node & (1 << _DAY_BITS) - 1)
        same = node >> _DAY_BITS == self._print() and self.until in (None, until)
        return until if same else None

    def _print(self) -> int:
        parts = (GENERATOR_VERSION, self.customers, self.products, self.orders, self.days, self.seed)
        return zlib.crc32(repr(parts).encode())


@dataclass(frozen=True)
class SeedReport:
    """What was loaded, in rows; nothing if it was there already."""

    already_seeded: bool
    plan: SeedPlan
    customer_rows: int = 0
    product_rows: int = 0
    order_rows: int = 0
    seconds: float = 0.0

    def as_json(self) -> dict[str, object]:
        """Return plain values for JSON."""
        plan = asdict(self.plan) | {"until": str(self.plan.until)}
        return asdict(self) | {"plan": plan}


def seed(
    settings: PostgresSettings, plan: SeedPlan, progress: Progress = lambda done, total: None
) -> SeedReport:
    """Load the plan as role `ingest` in one transaction; `progress` is told rows of orders (done, total).

    The same plan again changes nothing; live orders that came first don't matter.
    Raises SeedRefused if other data is there, and DatabaseUnavailable.
    """
    connection = connect_patiently(settings, "ingest", "ecom-seed")
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", (SEED_LOCK,))
            # Or a publication could set its mark above rows that are not committed yet, and never read them.
            cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", (WRITERS_LOCK,))
            until = _already_there(cursor, plan)
            if until is not None:
                return SeedReport(already_seeded=True, plan=replace(plan, until=until))
            return _load(cursor, plan, plan.until or datetime.now(UTC).date(), progress)
    finally:
        connection.close()


def _already_there(cursor: Cursor, plan: SeedPlan) -> date | None:
    """Return the last day of the same plan's rows, None for no rows; raise SeedRefused for others."""
    cursor.execute("SELECT event_id::text FROM raw.orders WHERE source = %s LIMIT 1", (SEED_SOURCE,))
    row = cursor.fetchone()
    until = plan.made(node_of(row[0])) if row else None
    if until is not None:
        return until
    cursor.execute("SELECT EXISTS (SELECT FROM raw.customers) OR EXISTS (SELECT FROM raw.products)")
    if row or cursor.fetchone() != (False,):
        raise SeedRefused(
            "the warehouse holds another seed already; `ecom down --wipe` empties it, "
            "or give the same --customers, --products, --orders, --days, --seed and --until as before"
        )
    return None


def _load(cursor: Cursor, plan: SeedPlan, until: date, progress: Progress) -> SeedReport:
    started = time.monotonic()
    window = Window(until, plan.days)
    catalog = build_catalog(plan.customers, plan.products, plan.seed)
    history = build_history(catalog, window, plan.orders)
    customers, products = customer_rows(catalog, window), product_rows(catalog, history.prices)
    copy_table(cursor, "raw", "customers", customers)
    copy_table(cursor, "raw", "products", products)
    done, total = 0, len(history.event_us)
    progress(done, total)
    for rows in order_chunks(catalog, history, plan.node(until), SCHEMA_VERSION):
        copy_table(cursor, "raw", "orders", rows)
        done += rows.num_rows
        progress(done, total)
    seconds = time.monotonic() - started
    return SeedReport(
        False, replace(plan, until=until), customers.num_rows, products.num_rows, total, seconds
    )
