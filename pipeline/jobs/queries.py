"""What a run reads from the warehouse, as SQL for `warehouse_source`."""

from collections.abc import Sequence

from pipeline.jobs.run import BatchRun, Marks

_EVENT = (
    "r.order_id::text, r.order_version, r.event_id::text, r.ordered_at, r.customer_id, r.product_id,"
    " r.quantity, r.unit_price::text, r.currency, r.status"
)
_STATES = {
    "customer": "customer_id, effective_at, name, country, segment",
    "product": "product_id, effective_at, name, category, unit_price::text, currency",
}


def member_states(member: str, marks: Marks) -> str:
    """Return all states, up to the mark, of the members with a new state between the marks."""
    table, identity = f"raw.{member}s", f"{member}_id"
    every = f"SELECT {_STATES[member]} FROM {table} WHERE raw_id <= {marks.until}"
    if marks.after == 0:
        return every
    changed = f"SELECT {identity} FROM {table} WHERE raw_id > {marks.after} AND raw_id <= {marks.until}"
    return f"{every} AND {identity} IN ({changed})"


def member_keys(member: str, full: bool) -> str:
    """Return keys and validity as they will be once staging is published; `full` leaves nothing else."""
    identity = f"{member}_id"
    columns = f"{member}_key, {identity}, valid_from, valid_to"
    staged = f"SELECT {columns} FROM staging.dim_{member}s"
    if full:
        return staged
    return (
        f"{staged} UNION ALL SELECT {columns} FROM curated.dim_{member}s AS published"
        f" WHERE {member}_key <> 0 AND NOT EXISTS ("
        f"SELECT FROM staging.dim_{member}s AS staged WHERE staged.{identity} = published.{identity})"
    )


def all_events(marks: Marks, slices: Sequence[str]) -> list[str]:
    """Return all events between the marks, in `slices` of raw.orders."""
    between = f"r.raw_id > {marks.after} AND r.raw_id <= {marks.until}"
    return [f"SELECT {_EVENT} FROM raw.orders AS r WHERE {where} AND {between}" for where in slices]


def affected_events(run: BatchRun, slices: int) -> list[str]:
    """Return all events, up to the mark, of the orders in each slice of staging.affected_orders."""
    return [
        f"SELECT {_EVENT} FROM staging.affected_orders AS a JOIN raw.orders AS r USING (order_id)"
        f" WHERE a.slice = {number} AND r.raw_id <= {run.orders.until}"
        for number in range(slices)
    ]
