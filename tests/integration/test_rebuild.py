"""The publication from raw: versions, their keys, repaired facts, the same tables however often it runs."""

from collections.abc import Callable
from datetime import UTC, datetime

import psycopg2
import pytest

from pipeline import writers_lock
from pipeline.locks import WRITERS_LOCK
from pipeline.rebuild.publish import publish_from_raw
from pipeline.settings import PostgresSettings
from pipeline.writers_lock import WritersBusy
from tests.integration.commits import commit, valid
from tests.integration.conftest import Connect
from tests.integration.members import END, EPOCH, add_customer, add_product, surrogate_key
from tests.integration.samples import event, uid

Sql = Callable[..., list[tuple]]
VERSIONS = (
    "SELECT segment, valid_from::text, valid_to::text, is_current FROM curated.dim_customers"
    " WHERE customer_key <> 0 ORDER BY valid_from"
)
KEYS = "SELECT customer_key, product_key FROM curated.fact_orders ORDER BY order_id"


@pytest.fixture(autouse=True)
def utc(sql: Sql) -> None:
    assert sql("SHOW timezone") == [("UTC",)]


def micros(text: str) -> int:
    instant = datetime.fromisoformat(text).replace(tzinfo=UTC)
    return round(instant.timestamp()) * 1_000_000


def tables(sql: Sql) -> list[list[tuple]]:
    names = ("dim_customers", "dim_products", "fact_orders")
    return [sorted(sql(f"SELECT t::text FROM curated.{name} t")) for name in names]


def test_the_first_version_starts_at_the_epoch_and_the_last_one_ends_in_9999(
    database: PostgresSettings, sql: Sql
):
    add_customer(sql, "2026-02-01Z", "loyal")
    add_customer(sql, "2026-01-01Z", "new")
    publish_from_raw(database)
    assert sql(VERSIONS) == [
        ("new", EPOCH, "2026-02-01 00:00:00+00", False),
        ("loyal", "2026-02-01 00:00:00+00", END, True),
    ]


def test_repeated_states_are_one_version_and_a_return_is_a_new_one(database: PostgresSettings, sql: Sql):
    states = ("new", "new", "loyal", "loyal", "new")
    for day, segment in enumerate(states, 1):
        add_customer(sql, f"2026-01-0{day}Z", segment)
    publish_from_raw(database)
    assert [(row[0], row[1][:10]) for row in sql(VERSIONS)] == [
        ("new", "1970-01-01"),
        ("loyal", "2026-01-03"),
        ("new", "2026-01-05"),
    ]


def test_a_price_change_is_a_version_of_the_product(database: PostgresSettings, sql: Sql):
    add_product(sql, "2026-01-01Z", "19.99")
    add_product(sql, "2026-01-02Z", "19.990")
    add_product(sql, "2026-01-03Z", "24.99")
    publish_from_raw(database)
    rows = sql(
        "SELECT unit_price::text, valid_from::text FROM curated.dim_products WHERE product_id = 7 ORDER BY 2"
    )
    assert rows == [("19.99", EPOCH), ("24.99", "2026-01-03 00:00:00+00")]


def test_keys_are_reproduced_without_sql(database: PostgresSettings, sql: Sql):
    add_customer(sql, "2026-01-01Z")
    add_customer(sql, "2026-01-02T03:04:05.000006Z", "loyal")
    add_product(sql, "2026-01-01Z")
    publish_from_raw(database)
    keys = sql("SELECT customer_key FROM curated.dim_customers WHERE customer_id = 42 ORDER BY valid_from")
    second = micros("2026-01-02T03:04:05") + 6
    assert keys == [(surrogate_key(42, 0),), (surrogate_key(42, second),)]
    assert sql("SELECT product_key FROM curated.dim_products WHERE product_id = 7") == [
        (surrogate_key(7, 0),)
    ]


def test_a_second_run_gives_the_same_tables(database: PostgresSettings, sql: Sql):
    add_customer(sql, "2026-01-01Z")
    add_product(sql, "2026-01-01Z")
    commit(database, [valid(event(number)) for number in range(5)])
    publish_from_raw(database)
    first = tables(sql)
    publish_from_raw(database)
    assert tables(sql) == first
    (marks,) = zip(*sql("SELECT raw_mark FROM ops.publications"), strict=True)
    assert marks == (sql("SELECT max(raw_id) FROM raw.orders")[0][0],) * 2


def test_orders_that_came_before_their_members_are_repaired(database: PostgresSettings, sql: Sql):
    commit(database, [valid(event(1))])
    assert sql(KEYS) == [(0, 0)]
    # Both are known only since a day after the order: the first version reaches back.
    add_customer(sql, "2026-02-04Z")
    add_product(sql, "2026-02-04Z")
    publish_from_raw(database)
    assert sql(KEYS) == [(surrogate_key(42, 0), surrogate_key(7, 0))]


def test_a_late_change_of_segment_repoints_the_orders_after_it(database: PostgresSettings, sql: Sql):
    add_customer(sql, "2026-01-01Z", "new")
    add_product(sql, "2026-01-01Z")
    publish_from_raw(database)
    days = ("2026-01-10T00:00:00Z", "2026-01-20T00:00:00Z")
    commit(database, [valid(event(number, ordered_at=day)) for number, day in enumerate(days)])
    product, first = surrogate_key(7, 0), surrogate_key(42, 0)
    assert sql(KEYS) == [(first, product), (first, product)]
    add_customer(sql, "2026-01-15Z", "loyal")
    publish_from_raw(database)
    assert sql(KEYS) == [(first, product), (surrogate_key(42, micros("2026-01-15")), product)]


def test_an_earlier_state_that_comes_late_moves_the_first_version(database: PostgresSettings, sql: Sql):
    add_customer(sql, "2026-01-15Z", "loyal")
    publish_from_raw(database)
    add_customer(sql, "2026-01-10Z", "new")
    publish_from_raw(database)
    assert [(row[0], row[1][:10], row[2][:10]) for row in sql(VERSIONS)] == [
        ("new", "1970-01-01", "2026-01-15"),
        ("loyal", "2026-01-15", "9999-12-31"),
    ]


def test_lost_and_old_facts_are_mended_and_newer_ones_stay(database: PostgresSettings, sql: Sql):
    versions = [event(number, order_id=uid(1, kind=1), order_version=number) for number in (1, 2)]
    commit(database, [valid(content) for content in versions] + [valid(event(5))])
    wanted = tables(sql)
    sql("UPDATE curated.fact_orders SET order_version = 1, event_id = %s WHERE order_version = 2", uid(1))
    sql("DELETE FROM curated.fact_orders WHERE order_id = %s", uid(5, kind=1))
    publish_from_raw(database)
    assert tables(sql) == wanted


def test_a_publication_waits_for_the_writers_so_long_and_no_longer(
    database: PostgresSettings, sql: Sql, log_in: Connect, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(writers_lock, "WAIT_S", 0.05)
    monkeypatch.setattr(writers_lock, "ATTEMPTS", 1)
    writer = log_in("ingest")
    writer.cursor().execute("SELECT pg_advisory_xact_lock_shared(%s)", (WRITERS_LOCK,))
    with pytest.raises(WritersBusy, match=r"^tests \(pid \d+\) wrote orders all the 0\.05 s"):
        publish_from_raw(database)
    assert sql("SELECT * FROM ops.publications") == []
    writer.rollback()
    publish_from_raw(database)
    assert len(sql("SELECT * FROM ops.publications")) == 1


def test_a_failure_in_the_middle_publishes_nothing(database: PostgresSettings, sql: Sql):
    add_customer(sql, "2026-01-01Z")
    commit(database, [valid(event(1))])
    before = tables(sql)
    sql("ALTER TABLE curated.fact_orders ADD CONSTRAINT planted CHECK (customer_key = 0)")
    with pytest.raises(psycopg2.errors.CheckViolation):
        publish_from_raw(database)
    assert tables(sql) == before
