"""The batch on real PostgreSQL and Spark: what it rebuilds, and that it agrees with SQL row for row."""

from collections.abc import Callable
from contextlib import closing
from datetime import UTC, date, datetime, timedelta

import pytest
from pyspark.sql import SparkSession

from pipeline.database import connect
from pipeline.jobs.facts import FACT_COLUMNS
from pipeline.jobs.publish import StagingIncomplete
from pipeline.jobs.run import Selection, record_staged
from pipeline.rebuild.publish import publish_from_raw
from pipeline.settings import PostgresSettings
from tests.integration.batches import FULL, Batch
from tests.integration.commits import commit, valid
from tests.integration.members import add_customer, add_product, surrogate_key
from tests.integration.quality_runs import failures, refused
from tests.integration.samples import event, uid

Sql = Callable[..., list[tuple]]
NewBatch = Callable[..., Batch]
TABLES = ("dim_customers", "dim_products", "fact_orders")


@pytest.fixture
def batch(database: PostgresSettings, spark: SparkSession) -> NewBatch:
    """Makes runs against the test's own database."""
    return lambda run_id="one", **options: Batch(database, spark, run_id, **options)


def curated(sql: Sql) -> list[list[tuple]]:
    return [sorted(sql(f"SELECT t::text FROM curated.{name} t")) for name in TABLES]


def key(day: str) -> int:
    instant = datetime.fromisoformat(day).replace(tzinfo=UTC)
    return surrogate_key(42, round(instant.timestamp()) * 1_000_000)


def fill(database: PostgresSettings, sql: Sql) -> None:
    """Members with odd names, changes and repeats; orders in several versions, some of unknown members."""
    for day, segment in (("2026-01-01Z", "new"), ("2026-01-10Z", "loyal"), ("2026-01-12Z", "loyal")):
        add_customer(sql, day, segment)
    odd = 'Tab\there \\N "quoted", new\nline ünïcode'
    sql("UPDATE raw.customers SET name = %s WHERE segment = 'loyal'", odd)
    add_customer(sql, "2026-01-05T00:00:00.000001Z", customer_id=43)
    for day, price in (("2026-01-01Z", "19.99"), ("2026-01-09Z", "24.90")):
        add_product(sql, day, price)
    rows = []
    for number in range(60):
        rows.append(
            event(
                number,
                order_id=uid(number % 20, kind=1),
                order_version=1 + number // 20,
                ordered_at=f"2026-01-{1 + number % 20:02}T23:59:59.999999Z",
                customer_id=(42, 43, 99)[number % 3 if number % 20 == 7 else number % 2],
            )
        )
    commit(database, [valid(content) for content in rows])


def test_a_first_run_agrees_with_the_rebuild_in_sql_row_for_row(
    database: PostgresSettings, sql: Sql, batch: NewBatch
):
    fill(database, sql)
    batch().whole()
    by_spark = curated(sql)
    sql("TRUNCATE curated.fact_orders")
    sql("DELETE FROM curated.dim_customers WHERE customer_key <> 0")
    sql("DELETE FROM curated.dim_products WHERE product_key <> 0")
    publish_from_raw(database)
    assert by_spark == curated(sql)
    assert len(by_spark[2]) == 20
    assert len(by_spark[0]) == 4


def test_a_full_run_mends_whatever_was_wrong(database: PostgresSettings, sql: Sql, batch: NewBatch):
    fill(database, sql)
    batch().whole()
    wanted = curated(sql)
    sql(
        "UPDATE curated.fact_orders SET quantity = 999, order_version = 77 WHERE order_id = %s",
        uid(1, kind=1),
    )
    sql("DELETE FROM curated.fact_orders WHERE order_id = %s", uid(2, kind=1))
    columns = ", ".join(FACT_COLUMNS[1:])
    surplus = f"INSERT INTO curated.fact_orders (order_id, {columns}) SELECT %s, {columns}"
    sql(f"{surplus} FROM curated.fact_orders WHERE order_id = %s", uid(99, kind=1), uid(3, kind=1))
    sql("UPDATE curated.dim_customers SET segment = 'wrong' WHERE customer_key <> 0")
    sql("INSERT INTO curated.dim_customers VALUES (5, 77, 'Nobody', 'DE', 'new', '2026-01-01', '9999-12-31')")
    batch("two").whole(FULL, judged=False)  # the surplus member is one of three, too many for the gate
    assert curated(sql) == wanted


def test_a_full_run_forgets_a_member_that_raw_has_no_more(
    database: PostgresSettings, sql: Sql, batch: NewBatch
):
    fill(database, sql)
    batch().whole()
    keys = "SELECT DISTINCT customer_key = 0 FROM curated.fact_orders WHERE customer_id = 43"
    assert sql(keys) == [(False,)]
    sql("DELETE FROM raw.customers WHERE customer_id = 43")
    batch("two").whole(FULL, judged=False)  # one of two is more than the gate lets go
    assert sql(keys) == [(True,)]
    by_spark = curated(sql)
    publish_from_raw(database)
    assert curated(sql) == by_spark


def test_an_increment_rebuilds_only_what_is_new(database: PostgresSettings, sql: Sql, batch: NewBatch):
    add_customer(sql, "2026-01-01Z")
    add_product(sql, "2026-01-01Z")
    commit(database, [valid(event(number)) for number in range(10)])
    assert batch().whole() == 10
    assert batch("two").whole() == 0
    newer = event(20, order_id=uid(3, kind=1), order_version=2, quantity=5)
    commit(database, [valid(newer), valid(event(30))], first_offset=10)
    assert batch("three").whole() == 2
    marks = sql(
        "SELECT raw_mark, customers_mark, products_mark FROM ops.publications ORDER BY publication_id"
    )
    assert marks[-1] == sql("SELECT (SELECT max(raw_id) FROM raw.orders), 1::bigint, 1::bigint")[0]


def test_an_old_order_updated_today_is_repaired_by_the_next_run(
    database: PostgresSettings, sql: Sql, batch: NewBatch
):
    add_customer(sql, "2025-12-01Z")
    add_product(sql, "2025-12-01Z")
    old = (datetime(2026, 1, 31, tzinfo=UTC) - timedelta(days=30)).isoformat().replace("+00:00", "Z")
    first = event(1, ordered_at=old)
    commit(database, [valid(first), valid(event(2))])
    batch().whole()
    commit(
        database, [valid({**first, "event_id": uid(9), "order_version": 2, "quantity": 8})], first_offset=2
    )
    wanted = curated(sql)
    sql(
        "UPDATE curated.fact_orders SET quantity = 3, order_version = 1, event_id = %s WHERE quantity = 8",
        uid(1),
    )
    repair = batch("two")
    repair.check_sums = False  # they never knew of the damage
    assert repair.whole() == 1
    assert curated(sql) == wanted


def test_a_customer_who_comes_after_their_orders_is_repaired(
    database: PostgresSettings, sql: Sql, batch: NewBatch
):
    add_product(sql, "2026-01-01Z")
    commit(database, [valid(event(1))])
    batch().whole()
    pending = "SELECT count(*) FROM curated.fact_orders WHERE customer_key = 0"
    assert sql(pending) == [(1,)]
    add_customer(sql, "2026-02-20Z")
    assert batch("two").whole() == 1
    assert sql(pending) == [(0,)]


def test_a_change_of_segment_repoints_the_orders_after_it_and_no_others(
    database: PostgresSettings, sql: Sql, batch: NewBatch
):
    add_customer(sql, "2026-01-01Z", "new")
    add_product(sql, "2026-01-01Z")
    days = ("2026-01-10T00:00:00Z", "2026-01-15T00:00:00Z", "2026-01-20T00:00:00Z")
    commit(database, [valid(event(number, ordered_at=day)) for number, day in enumerate(days)])
    batch().whole()
    add_customer(sql, "2026-01-15Z", "loyal")
    assert batch("two").whole() == 2
    keys = "SELECT customer_key FROM curated.fact_orders ORDER BY ordered_at"
    assert sql(keys) == [(surrogate_key(42, 0),), (key("2026-01-15"),), (key("2026-01-15"),)]
    # An earlier change that comes late takes its share of both neighbours.
    add_customer(sql, "2026-01-10Z", "vip")
    assert batch("three").whole() == 1
    assert sql(keys) == [(key("2026-01-10"),), (key("2026-01-15"),), (key("2026-01-15"),)]


def test_a_version_that_is_no_longer_one_gives_its_orders_back(
    database: PostgresSettings, sql: Sql, batch: NewBatch
):
    add_customer(sql, "2026-01-01Z", "new")
    add_customer(sql, "2026-01-15Z", "loyal")
    add_product(sql, "2026-01-01Z")
    commit(database, [valid(event(1, ordered_at="2026-01-20T00:00:00Z"))])
    batch().whole()
    # Loyal from the 10th on: the state of the 15th repeats it and is no version any more.
    add_customer(sql, "2026-01-10Z", "loyal")
    assert batch("two").whole() == 1
    assert sql("SELECT customer_key FROM curated.fact_orders") == [(key("2026-01-10"),)]
    assert sql("SELECT count(*) FROM curated.dim_customers WHERE customer_id = 42") == [(2,)]


def test_a_backfill_rebuilds_its_days_twice_the_same_and_moves_no_mark(
    database: PostgresSettings, sql: Sql, batch: NewBatch
):
    add_customer(sql, "2026-01-01Z")
    add_product(sql, "2026-01-01Z")
    commit(database, [valid(event(day, ordered_at=f"2026-01-{day:02}T12:00:00Z")) for day in range(1, 29)])
    batch().whole()
    wanted = curated(sql)
    wrong = "UPDATE curated.fact_orders SET quantity = 77"
    sql(f"{wrong} WHERE ordered_at >= '2026-01-05' AND ordered_at < '2026-01-10'")
    commit(database, [valid(event(40))], first_offset=28)
    days = Selection("backfill", date(2026, 1, 5), date(2026, 1, 10))
    for name in ("two", "three"):
        run = batch(name)
        run.check_sums = name == "two"  # before the fact that is deleted by hand, which sums can't know
        assert run.whole(days) == 5
        sql("DELETE FROM curated.fact_orders WHERE order_id = %s", uid(40, kind=1))
        assert curated(sql) == wanted
    last = batch("four")
    last.check_sums = False
    assert last.whole() == 1
    assert sql("SELECT count(*) FROM curated.fact_orders") == [(29,)]


@pytest.mark.faults
def test_a_backfill_of_thirty_days_gives_the_same_tables_whole_and_day_by_day(
    database: PostgresSettings, sql: Sql, batch: NewBatch
):
    for since, segment in (("2026-01-01Z", "new"), ("2026-01-10Z", "loyal"), ("2026-01-20Z", "vip")):
        add_customer(sql, since, segment)
    for since, price in (("2026-01-01Z", "19.99"), ("2026-01-15Z", "24.90")):
        add_product(sql, since, price)
    days = [date(2026, 1, 1) + timedelta(days=number) for number in range(32)]
    orders = [event(number, ordered_at=f"{day}T23:59:59.999999Z") for number, day in enumerate(days)]
    newer = [{**order, "event_id": uid(100 + n), "order_version": 2} for n, order in enumerate(orders[::3])]
    commit(database, [valid(content) for content in orders + newer])
    batch().whole()
    wanted = curated(sql)
    wrong = "UPDATE curated.fact_orders SET quantity = 77 WHERE order_date BETWEEN %s AND %s"
    sql(wrong, days[1], days[30])
    assert batch("thirty").whole(Selection("backfill", days[1], days[31])) == 30
    assert curated(sql) == wanted
    for day in days[1:31]:
        sql(wrong, day, day)
        assert batch(f"day-{day}").whole(Selection("backfill", day, day + timedelta(days=1))) == 1
        assert curated(sql) == wanted


def test_what_the_stream_writes_during_a_run_stays_and_gets_the_new_keys(
    database: PostgresSettings, sql: Sql, batch: NewBatch
):
    add_customer(sql, "2026-01-01Z", "new")
    add_product(sql, "2026-01-01Z")
    first = event(1, ordered_at="2026-01-20T00:00:00Z")
    commit(database, [valid(first)])
    run = batch()
    add_customer(sql, "2026-01-15Z", "loyal")
    assert run.stage() == 1
    newer = {**first, "event_id": uid(5), "order_version": 2, "quantity": 9}
    commit(database, [valid(newer), valid(event(6, ordered_at="2026-01-21T00:00:00Z"))], first_offset=1)
    run.publish()
    rows = sql("SELECT quantity, order_version, customer_key FROM curated.fact_orders ORDER BY ordered_at")
    assert rows == [(9, 2, key("2026-01-15")), (event(6)["quantity"], 1, key("2026-01-15"))]


def test_the_gate_misses_a_repaired_order_and_the_step_repeated_brings_it(
    database: PostgresSettings, sql: Sql, batch: NewBatch
):
    for customer in (42, 43):
        add_customer(sql, "2026-01-01Z", customer_id=customer)
    add_product(sql, "2026-01-01Z")
    commit(database, [valid(event(1)), valid(event(2, customer_id=99))])
    batch().whole()
    waiting = "SELECT count(*) FROM curated.fact_orders WHERE customer_key = 0"
    assert sql(waiting) == [(1,)]
    add_customer(sql, "2026-01-02Z", customer_id=99)
    run = batch("two")
    assert run.stage() == 1  # raw has no new row of this order
    sql("DELETE FROM staging.fact_orders")
    with closing(connect(database, "etl", "tests")) as connection, connection:
        record_staged(connection.cursor(), "two", facts=0)
    failed = refused(run.gate)
    assert list(failed) == ["fact_orders_complete"]
    assert failed["fact_orders_complete"].samples == [{"order_id": uid(2, kind=1)}]
    with pytest.raises(StagingIncomplete, match="has not passed the gate"):
        run.merge()
    assert (sql(waiting), run.steps.facts()) == ([(1,)], 1)
    assert failures(run.gate()) == {}
    run.merge()
    assert (sql(waiting), failures(run.steps.check())) == ([(0,)], {})


def test_the_gate_stops_a_whole_run_whose_source_lost_members(
    database: PostgresSettings, sql: Sql, batch: NewBatch
):
    fill(database, sql)
    batch().whole()
    before = curated(sql)
    sql("DELETE FROM raw.customers WHERE customer_id = 43")
    failed = refused(lambda: batch("two").whole(FULL))
    stopped_by = {name: result.failing_rows for name, result in failed.items() if result.outcome == "failed"}
    assert stopped_by == {"dim_customers_kept": 1}
    assert curated(sql) == before


def test_nothing_new_needs_no_spark(database: PostgresSettings, sql: Sql, batch: NewBatch):
    run = batch()
    run.steps.open_session = pytest.fail
    assert run.whole(judged=False) == 0
    assert sql("SELECT kind, raw_mark FROM ops.publications") == [("increment", 0)]
