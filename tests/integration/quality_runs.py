"""An increment that is staged by SQL, so that gates are tested without Spark."""

from collections.abc import Callable
from contextlib import closing

from psycopg2.extensions import cursor as Cursor
from pyspark.sql import SparkSession

from pipeline.database import connect
from pipeline.jobs.run import Selection, load, record_staged
from pipeline.jobs.steps import Steps
from pipeline.quality.results import Result
from pipeline.quality.runner import QualityFailed
from pipeline.rebuild.publish import publish_from_raw, run_script
from pipeline.settings import PostgresSettings
from tests.integration.commits import commit, valid
from tests.integration.members import add_customer, add_product
from tests.integration.samples import event

Sql = Callable[..., list[tuple]]
DAY = "2026-02-09"
STARTED = "2026-02-10 00:30:00Z"
# The same weekday of the four weeks before.
HISTORY = ("2026-01-12", "2026-01-19", "2026-01-26", "2026-02-02")
PER_DAY = 10
_STAGE_MEMBERS = """
INSERT INTO staging.dim_{member}s SELECT * FROM rebuilt_{member}s
WHERE {member}_id IN (SELECT {member}_id FROM raw.{member}s WHERE raw_id > %s AND raw_id <= %s)
"""
_STAGE_FACTS = """
INSERT INTO staging.fact_orders
SELECT DISTINCT ON (order_id) o.order_id, order_version, event_id, ordered_at, coalesce(customer_key, 0),
    coalesce(product_key, 0), o.customer_id, o.product_id, quantity, o.unit_price, o.currency, status
FROM raw.orders AS o
LEFT JOIN rebuilt_customers AS c ON c.customer_id = o.customer_id AND ordered_at >= c.valid_from
    AND ordered_at < c.valid_to
LEFT JOIN rebuilt_products AS p ON p.product_id = o.product_id AND ordered_at >= p.valid_from
    AND ordered_at < p.valid_to
WHERE o.raw_id > %s AND o.raw_id <= %s
ORDER BY order_id, order_version DESC, event_id DESC
"""


def orders(database: PostgresSettings, day: str, first: int, count: int = PER_DAY, **changes: object) -> None:
    """Commit a day's orders as the stream does, numbered from `first`."""
    rows = [
        valid(event(number, ordered_at=f"{day}T12:00:00Z", **changes))
        for number in range(first, first + count)
    ]
    commit(database, rows, first_offset=first)


def publish_history(database: PostgresSettings, sql: Sql, days: tuple[str, ...] = HISTORY) -> None:
    """Publish customer 42, product 7 and ten orders on each day."""
    add_customer(sql, "2026-01-01Z")
    add_product(sql, "2026-01-01Z")
    for week, day in enumerate(days):
        orders(database, day, 1000 * (week + 1))
    publish_from_raw(database)


def without_spark() -> SparkSession:
    raise AssertionError("a gate needs no Spark")


def stage(
    database: PostgresSettings, sql: Sql, run_id: str = "run", selection: Selection | None = None
) -> Steps:
    """Begin a run and stage by SQL what its steps would; it starts at STARTED."""
    steps = Steps(database, run_id, without_spark, wait_s=0)
    steps.begin(selection or Selection())
    sql("UPDATE ops.batch_runs SET started_at = %s WHERE run_id = %s", STARTED, run_id)
    sql("UPDATE ops.stream_offsets SET committed_at = %s", STARTED)
    with closing(connect(database, "etl", "tests")) as connection, connection, connection.cursor() as cursor:
        _fill(cursor, run_id)
    count_staged(database, run_id)
    return steps


def _fill(cursor: Cursor, run_id: str) -> None:
    run = load(cursor, run_id)
    run_script(cursor, "dimensions.sql")
    for member, marks in (("customer", run.customers), ("product", run.products)):
        cursor.execute(_STAGE_MEMBERS.format(member=member), (marks.after, marks.until))
    cursor.execute(_STAGE_FACTS, (run.orders.after, run.orders.until))


def count_staged(database: PostgresSettings, run_id: str = "run") -> None:
    """Record what staging holds, as the steps that staged it would have."""
    with closing(connect(database, "etl", "tests")) as connection, connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT count(*) FROM staging.dim_customers),"
            " (SELECT count(*) FROM staging.dim_products),"
            " (SELECT count(*) FROM staging.fact_orders)"
        )
        ((customers, products, facts),) = cursor.fetchall()
        record_staged(cursor, run_id, customers=customers, products=products, facts=facts)


def ready(database: PostgresSettings, sql: Sql) -> Steps:
    """Return a staged increment that passes: a usual day, a new customer, a new product, a new price."""
    publish_history(database, sql)
    add_customer(sql, "2026-02-08Z", customer_id=43)
    add_customer(sql, "2026-02-09Z", "loyal", customer_id=43)
    add_product(sql, "2026-02-08Z", product_id=8)
    add_product(sql, "2026-02-09Z", "24.99", product_id=8)
    add_customer(sql, "2026-02-08Z", customer_id=44)
    add_product(sql, "2026-02-08Z", product_id=9)
    orders(database, DAY, 9000, customer_id=43, product_id=8)
    return stage(database, sql)


def failures(results: list[Result]) -> dict[str, Result]:
    """Return those that are neither passed nor skipped, by name."""
    return {result.check_name: result for result in results if result.outcome not in ("passed", "skipped")}


def refused(step: Callable[[], object]) -> dict[str, Result]:
    """Run gate or check, or a whole run, which must fail one of them; return what failed."""
    try:
        step()
    except QualityFailed as error:
        return failures(list(error.results))
    raise AssertionError("it passed")
