"""An increment's checks cost what its day costs: no check reads all of curated.fact_orders or raw.orders."""

from collections.abc import Callable, Iterator

import pytest
from psycopg2.extensions import cursor as Cursor

from pipeline.quality.check import PHASES, Phase
from pipeline.quality.checks import CHECKS
from pipeline.quality.relations import relations
from pipeline.quality.scope import load_scope
from pipeline.settings import PostgresSettings
from tests.integration.conftest import Connect
from tests.integration.members import add_customer, add_product
from tests.integration.quality_runs import DAY, orders, stage

Sql = Callable[..., list[tuple]]
# Two hundred days of a thousand orders, in the order of time.
HISTORY = f"""
INSERT INTO raw.orders (event_id, event_type, event_time, schema_version, order_id, order_version,
    ordered_at, customer_id, product_id, quantity, unit_price, currency, status, source)
SELECT md5('e' || n)::uuid, 'created', '{DAY}', '1.0', md5('o' || n)::uuid, 1,
    '{DAY}'::timestamptz - interval '200 days' + n * interval '86.4 seconds', 42, 7, 1, 1, 'EUR', 'paid',
    'seed'
FROM generate_series(0, 199999) AS n;
INSERT INTO curated.fact_orders (order_id, order_version, event_id, ordered_at, customer_key, product_key,
    customer_id, product_id, quantity, unit_price, currency, status)
SELECT order_id, order_version, event_id, ordered_at, 1, 1, customer_id, product_id, quantity, unit_price,
    currency, status
FROM raw.orders ORDER BY raw_id;
INSERT INTO ops.publications (kind, raw_mark) SELECT 'test', max(raw_id) FROM raw.orders;
"""


@pytest.fixture
def cursor(database: PostgresSettings, sql: Sql, log_in: Connect) -> Iterator[Cursor]:
    add_customer(sql, "2026-01-01Z")
    add_product(sql, "2026-01-01Z")
    sql(HISTORY)
    orders(database, DAY, 9000)
    stage(database, sql)
    connection = log_in("admin")
    connection.autocommit = True
    with connection.cursor() as cursor:
        for index in ("curated.fact_orders_ordered_at", "raw.orders_raw_id"):
            cursor.execute("SELECT brin_summarize_new_values(%s)", (index,))
        cursor.execute("ANALYZE")
        yield cursor


def whole_scans(plan: dict) -> Iterator[str]:
    """Yield the nodes that read all of a table that grows with history."""
    name = f"{plan.get('Schema')}.{plan.get('Relation Name')}"
    bounded = any(key in plan for key in ("Index Cond", "Recheck Cond"))
    if name in ("curated.fact_orders", "raw.orders") and not bounded:
        yield f"{plan['Node Type']} on {name}"
    for child in plan.get("Plans", []):
        yield from whole_scans(child)


def scans_of(cursor: Cursor, statement: str, parameters: dict) -> list[str]:
    cursor.execute(f"EXPLAIN (VERBOSE, FORMAT JSON) {statement}", parameters)
    ((plan,),) = cursor.fetchall()
    return list(whole_scans(plan[0]["Plan"]))


@pytest.mark.parametrize("phase", PHASES)
def test_no_check_of_an_increment_reads_all_of_history(cursor: Cursor, phase: Phase):
    assert scans_of(cursor, "SELECT max(amount) FROM curated.fact_orders", {}) != []
    scope = load_scope(cursor, "run")
    names = relations(phase, scope.run)
    assert {
        check.name: found
        for check in CHECKS
        if phase in check.phases and "increment" in check.kinds
        if (found := scans_of(cursor, check.statement(names), scope.parameters()))
    } == {}
