"""The sums that dashboards read: what the facts add up to, at every moment and whoever writes them."""

from collections.abc import Callable
from contextlib import closing

import pytest

from pipeline.database import connect
from pipeline.locks import FOLD_LOCK
from pipeline.rebuild.publish import publish_from_raw
from pipeline.settings import PostgresSettings
from pipeline.stream.commit import commit_partition
from pipeline.sums.fold import fold
from pipeline.verify.tables import sums
from tests.integration.commits import Sink, batch, commit, valid
from tests.integration.samples import event, uid

Sql = Callable[..., list[tuple]]
Connect = Callable[..., object]
# By raw alone: the winner of each order, cancelled ones left out.
BY_RAW = """
SELECT (ordered_at AT TIME ZONE 'UTC')::date::text, currency, count(*), sum(quantity),
    sum(quantity * unit_price)
FROM (
    SELECT DISTINCT ON (order_id) * FROM raw.orders ORDER BY order_id, order_version DESC, event_id DESC
) AS won
WHERE status <> 'cancelled'
GROUP BY 1, 2 ORDER BY 1, 2
"""
SHOWN = "SELECT order_date::text, currency, orders, units, revenue FROM curated.daily_revenue ORDER BY 1, 2"
WAITING = "SELECT count(*) FROM ops.order_changes"


def assert_right(database: PostgresSettings, sql: Sql) -> None:
    assert sql(SHOWN) == sql(BY_RAW)
    with closing(connect(database, "etl")) as connection, connection.cursor() as cursor:
        assert sums(cursor).samples == []


def fold_now(database: PostgresSettings) -> int:
    with closing(connect(database, "ingest")) as connection:
        return fold(connection)


# Of three orders: placed, changed in all that a sum is made of, moved to another day, cancelled.
LIFE = [
    event(1),
    event(2, currency="USD", product_id=8),
    event(11, order_id=uid(1, kind=1), order_version=2, quantity=5, unit_price="2.50"),
    event(12, order_id=uid(2, kind=1), order_version=2, currency="CHF", product_id=9, customer_id=43),
    event(13, order_id=uid(1, kind=1), order_version=3, ordered_at="2026-02-01T23:59:59.999999Z"),
    event(3, ordered_at="2026-02-04T00:00:00Z"),
    event(14, order_id=uid(3, kind=1), order_version=2, status="cancelled", event_type="cancelled"),
    event(15, order_id=uid(3, kind=1), order_version=3, status="paid", event_type="updated"),
    event(10, order_id=uid(1, kind=1), order_version=1),  # an older version that comes late: no change
    event(16, order_id=uid(2, kind=1), order_version=4, status="cancelled", event_type="cancelled"),
]


@pytest.mark.parametrize("folded", [False, True], ids=["never folded", "folded after each"])
def test_each_step_of_an_order_s_life_is_in_the_sums(database: PostgresSettings, sql: Sql, folded: bool):
    for offset, content in enumerate(LIFE):
        commit(database, [valid(content)], offset)
        if folded:
            fold_now(database)
            assert sql(WAITING) == [(0,)]
        assert_right(database, sql)


def test_several_steps_in_one_commit_and_a_replay_of_it(database: PostgresSettings, sql: Sql):
    for _ in range(2):
        commit(database, [valid(content) for content in LIFE])
        assert_right(database, sql)
    assert sql("SELECT sum(new_orders) FROM ops.stream_commits") == [(3,)]


def test_what_commits_during_a_fold_is_left_for_the_next(database: PostgresSettings, sql: Sql):
    commit(database, [valid(event(1))])
    with closing(connect(database, "ingest")) as slow, slow.cursor() as cursor:
        # A commit that has written its changes and is not through yet.
        cursor.execute("INSERT INTO ops.order_changes SELECT * FROM ops.order_changes")
        assert fold_now(database) == 1
        slow.commit()
    assert sql(WAITING) == [(1,)]
    assert fold_now(database) == 1
    assert sql("SELECT orders FROM curated.daily_revenue") == [(2,)]


def test_a_fold_leaves_a_reader_s_snapshot_alone(database: PostgresSettings, sql: Sql, log_in: Connect):
    commit(database, [valid(event(1))])
    reader = log_in("bi_readonly")
    reader.set_session(isolation_level="REPEATABLE READ")  # type: ignore[attr-defined]
    with reader.cursor() as cursor:  # type: ignore[attr-defined]
        cursor.execute(SHOWN)
        before = cursor.fetchall()
        fold_now(database)
        cursor.execute(SHOWN)
        assert cursor.fetchall() == before == sql(SHOWN)


def test_a_second_fold_steps_back(database: PostgresSettings, sql: Sql, log_in: Connect):
    commit(database, [valid(event(1))])
    with log_in("etl").cursor() as cursor:  # type: ignore[attr-defined]
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", (FOLD_LOCK,))
        assert fold_now(database) == 0
    assert sql(WAITING) == [(1,)]


def test_a_rebuild_makes_the_sums_anew(database: PostgresSettings, sql: Sql):
    commit(database, [valid(content) for content in LIFE])
    sql("UPDATE ops.order_changes SET revenue = revenue + 1")
    with pytest.raises(AssertionError):
        assert_right(database, sql)
    publish_from_raw(database)
    assert sql(WAITING) == [(0,)]
    assert_right(database, sql)


def test_two_partitions_commit_at_once_without_waiting(database: PostgresSettings, sql: Sql):
    with closing(connect(database, "ingest")) as open_one, open_one.cursor() as cursor:
        cursor.execute("INSERT INTO ops.order_changes VALUES ('2026-02-03', 'EUR', 7, 'unknown', 0, 0, 0)")
        with closing(connect(database, "ingest")) as connection:
            connection.cursor().execute("SET lock_timeout = '2s'")
            assert commit_partition(connection, "orders", Sink(), iter([batch([valid(event(1))])]))
    assert_right(database, sql)
