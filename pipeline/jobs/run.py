"""What one batch run covers: its kind, and the marks of raw between which it reads."""

from dataclasses import dataclass
from datetime import date
from typing import Literal

from psycopg2.extensions import cursor as Cursor

Kind = Literal["increment", "backfill", "full"]
TABLES = ("orders", "customers", "products")


class RunUnknown(RuntimeError):
    """A step of a run that never began."""


@dataclass(frozen=True)
class Selection:
    """Which orders to rebuild.

    `increment`: those with raw rows since the last publication, with unknown members, or with changed
    versions. `backfill`: those ordered from `from_day` until before `until_day` (UTC), and those with unknown
    members or changed versions. `full`: all.
    """

    kind: Kind = "increment"
    from_day: date | None = None
    until_day: date | None = None

    def __post_init__(self) -> None:
        """Refuse a backfill without days, and days without a backfill."""
        days = (self.from_day, self.until_day)
        if self.kind == "backfill":
            if self.from_day is None or self.until_day is None or self.from_day >= self.until_day:
                raise ValueError("a backfill needs a first day and a later day at which it ends")
        elif days != (None, None):
            raise ValueError(f"{self.kind} takes no days; those are a backfill's")


@dataclass(frozen=True)
class Marks:
    """Rows of one raw table: raw_id greater than `after`, up to and including `until`."""

    after: int
    until: int

    @property
    def empty(self) -> bool:
        """Whether there is nothing between the marks."""
        return self.until <= self.after


@dataclass(frozen=True)
class BatchRun:
    """A row of ops.batch_runs."""

    run_id: str
    selection: Selection
    base_publication: int
    orders: Marks
    customers: Marks
    products: Marks
    staged: dict[str, int | None]
    gated: bool = False
    publication_id: int | None = None

    @property
    def rebuilds_all(self) -> bool:
        """Whether every order is rebuilt: asked for, or because nothing was published before."""
        kind = self.selection.kind
        return kind == "full" or (kind == "increment" and self.orders.after == 0)


_COLUMNS = (
    "run_id, kind, from_day, until_day, base_publication, orders_from, orders_until, customers_from,"
    " customers_until, products_from, products_until, staged_customers, staged_products, staged_facts,"
    " gated_at, publication_id"
)


def save(cursor: Cursor, run: BatchRun) -> None:
    """Write a run that begins; what an earlier beginning of the same run left is forgotten."""
    chosen = run.selection
    values = [run.run_id, chosen.kind, chosen.from_day, chosen.until_day, run.base_publication]
    for marks in (run.orders, run.customers, run.products):
        values += [marks.after, marks.until]
    # Its verdicts are of another staging; a run that fails from here on must not be explained by them.
    cursor.execute("DELETE FROM ops.quality_results WHERE run_id = %s", (run.run_id,))
    cursor.execute("DELETE FROM ops.batch_runs WHERE run_id = %s", (run.run_id,))
    names = _COLUMNS.split(", staged_customers")[0]
    cursor.execute(f"INSERT INTO ops.batch_runs ({names}) VALUES ({', '.join(['%s'] * len(values))})", values)


def load(cursor: Cursor, run_id: str) -> BatchRun:
    """Read a run; raise RunUnknown if it never began."""
    cursor.execute(f"SELECT {_COLUMNS} FROM ops.batch_runs WHERE run_id = %s", (run_id,))
    row = cursor.fetchone()
    if row is None:
        raise RunUnknown(f"run {run_id} never began: its first step is `begin`")
    staged = dict(zip(("customers", "products", "facts"), row[11:14], strict=True))
    return BatchRun(
        run_id=row[0],
        selection=Selection(*row[1:4]),
        base_publication=row[4],
        orders=Marks(row[5], row[6]),
        customers=Marks(row[7], row[8]),
        products=Marks(row[9], row[10]),
        staged=staged,
        gated=row[14] is not None,
        publication_id=row[15],
    )


def record_staged(cursor: Cursor, run_id: str, **rows: int | None) -> None:
    """Note how many rows staging holds: customers=, products= or facts=, None if unknown again.

    Whatever gate let the former staging pass says nothing about this one.
    """
    for name, count in rows.items():
        cursor.execute(
            f"UPDATE ops.batch_runs SET staged_{name} = %s, gated_at = NULL WHERE run_id = %s",
            (count, run_id),
        )


def record_gate(cursor: Cursor, run_id: str, passed: bool = True) -> None:
    """Note that what is staged now may be published, or that it may not."""
    cursor.execute(
        "UPDATE ops.batch_runs SET gated_at = CASE WHEN %s THEN now() END WHERE run_id = %s", (passed, run_id)
    )
