"""The relations that checks are written in, for each phase and kind of run.

{customers}, {products}, {facts}: the rows that the run brings. {all_customers}, {all_products}, {all_facts}:
the whole table as readers will find it, or find it by now. {stored_facts}: where the run's facts lie.

At the gate these are staging, and staging merged over curated as the publication will merge it. After it
they are curated, cut down to what the run reads, so that the cost follows the day and not history;
they don't need staging, which may be another run's by then.
"""

from pipeline.jobs.run import BatchRun
from pipeline.quality.check import Phase

MEMBER_COLUMNS = {
    "customer": ("customer_key", "customer_id", "name", "country", "segment", "valid_from", "valid_to"),
    "product": (
        "product_key",
        "product_id",
        "name",
        "category",
        "unit_price",
        "currency",
        "valid_from",
        "valid_to",
    ),
}
FACT_COLUMNS = (
    "order_id",
    "order_version",
    "event_id",
    "ordered_at",
    "customer_key",
    "product_key",
    "customer_id",
    "product_id",
    "quantity",
    "unit_price",
    "currency",
    "status",
)
# All orders with rows between the run's marks.
_NEW_ORDERS = "SELECT order_id FROM raw.orders WHERE raw_id > %(after)s AND raw_id <= %(until)s"


def relations(phase: Phase, run: BatchRun) -> dict[str, str]:
    """Return SQL by name, each to be followed by an alias in a FROM clause."""
    found = _at_the_gate(run) if phase == "gate" else _published(run)
    return {**found, "expected_orders": _expected_orders(phase, run)}


def _at_the_gate(run: BatchRun) -> dict[str, str]:
    full = run.selection.kind == "full"
    return {
        "customers": "staging.dim_customers",
        "products": "staging.dim_products",
        "facts": "staging.fact_orders",
        "stored_facts": "staging.fact_orders",
        "all_customers": _merged_members("customer", full),
        "all_products": _merged_members("product", full),
        "all_facts": _merged_facts(full),
    }


def _merged_members(member: str, full: bool) -> str:
    columns, table = ", ".join(MEMBER_COLUMNS[member]), f"dim_{member}s"
    # A full run deletes what it didn't stage, the unknown member apart.
    stays = (
        f"published.{member}_key = 0"
        if full
        else f"NOT EXISTS (SELECT FROM staging.{table} AS staged"
        f" WHERE staged.{member}_id = published.{member}_id)"
    )
    return (
        f"(SELECT {columns} FROM staging.{table}"
        f" UNION ALL SELECT {columns} FROM curated.{table} AS published WHERE {stays})"
    )


def _merged_facts(full: bool) -> str:
    columns = ", ".join(FACT_COLUMNS)
    known = (
        " AND EXISTS (SELECT FROM raw.orders AS event WHERE event.event_id = published.event_id)"
        if full
        else ""
    )
    return (
        f"(SELECT {columns} FROM staging.fact_orders"
        f" UNION ALL SELECT {columns} FROM curated.fact_orders AS published"
        " WHERE NOT EXISTS (SELECT FROM staging.fact_orders AS staged"
        f" WHERE staged.order_id = published.order_id){known})"
    )


def _published(run: BatchRun) -> dict[str, str]:
    return {
        "customers": _changed_members("customer"),
        "products": _changed_members("product"),
        "facts": _touched_facts(run),
        "stored_facts": "curated.fact_orders",
        "all_customers": "curated.dim_customers",
        "all_products": "curated.dim_products",
        "all_facts": "curated.fact_orders",
    }


def _changed_members(member: str) -> str:
    return (
        f"(SELECT {', '.join(MEMBER_COLUMNS[member])} FROM curated.dim_{member}s WHERE {member}_id IN ("
        f"SELECT {member}_id FROM raw.{member}s"
        f" WHERE raw_id > %({member}s_after)s AND raw_id <= %({member}s_until)s))"
    )


def _touched_facts(run: BatchRun) -> str:
    if run.rebuilds_all:
        return "curated.fact_orders"
    columns = ", ".join(FACT_COLUMNS)
    if run.selection.kind == "backfill":
        return (
            f"(SELECT {columns} FROM curated.fact_orders"
            " WHERE ordered_at >= %(from_time)s AND ordered_at < %(until_time)s)"
        )
    # By primary key.
    return (
        f"(SELECT {columns} FROM curated.fact_orders"
        f" JOIN (SELECT DISTINCT order_id FROM ({_NEW_ORDERS}) AS new) AS touched USING (order_id))"
    )


def _expected_orders(phase: Phase, run: BatchRun) -> str:
    """Orders that the run must have a fact for."""
    new = _NEW_ORDERS
    if run.selection.kind == "backfill":
        new += " AND ordered_at >= %(from_time)s AND ordered_at < %(until_time)s"
    if phase == "gate":
        # Repaired orders too; those with no event before the mark are the next run's.
        new += (
            " UNION SELECT order_id FROM staging.affected_orders AS affected WHERE EXISTS ("
            "SELECT FROM raw.orders AS event WHERE event.order_id = affected.order_id"
            " AND event.raw_id <= %(until)s)"
        )
    return f"({new})"
