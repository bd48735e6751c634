"""The batch's rebuild beside what is published: equal after a run, and each kind of difference seen."""

from collections.abc import Callable
from contextlib import closing

import pytest
from pyspark.sql import SparkSession

from pipeline.database import connect
from pipeline.jobs import compare
from pipeline.settings import PostgresSettings
from pipeline.verify import Finding
from tests.integration.batches import Batch
from tests.integration.commits import commit, valid
from tests.integration.members import add_customer, add_product
from tests.integration.samples import event, uid

Sql = Callable[..., list[tuple]]


def differences(spark: SparkSession, settings: PostgresSettings) -> Finding:
    with closing(connect(settings, "etl", "tests")) as connection:
        connection.set_session(isolation_level="REPEATABLE READ")
        return compare.compare(spark, settings, connection.cursor())


@pytest.fixture
def published(database: PostgresSettings, spark: SparkSession, sql: Sql) -> PostgresSettings:
    add_customer(sql, "2026-01-01Z")
    add_product(sql, "2026-01-01Z")
    commit(database, [valid(event(number)) for number in range(1, 6)])
    Batch(database, spark, "one").whole()
    return database


def test_after_a_run_and_more_stream_rows_nothing_differs(
    published: PostgresSettings, spark: SparkSession, sql: Sql
):
    commit(published, [valid(event(7)), valid(event(8, customer_id=99))], first_offset=5)
    # A change that no publication knows yet is no difference.
    add_customer(sql, "2026-01-02Z", "loyal")
    assert differences(spark, published).count == 0


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE curated.fact_orders SET quantity = 99 WHERE order_id = %s",
        "UPDATE curated.fact_orders SET customer_key = 0 WHERE order_id = %s",
        "DELETE FROM curated.fact_orders WHERE order_id = %s",
        "UPDATE curated.fact_orders SET unit_price = unit_price + 0.01 WHERE order_id = %s",
    ],
)
def test_a_changed_or_lost_fact_is_named(
    published: PostgresSettings, spark: SparkSession, sql: Sql, statement: str
):
    sql(statement, uid(3, kind=1))
    found = differences(spark, published)
    assert found.count == 1
    assert found.samples[0].startswith(uid(3, kind=1))


def test_a_surplus_fact_is_named(published: PostgresSettings, spark: SparkSession, sql: Sql):
    sql("UPDATE curated.fact_orders SET order_id = %s WHERE order_id = %s", uid(77, kind=1), uid(3, kind=1))
    found = differences(spark, published)
    assert [sample[:36] for sample in found.samples] == [uid(3, kind=1), uid(77, kind=1)]
