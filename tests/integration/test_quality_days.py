"""Checks that go by days: which days a run is judged by, and what somebody answers for on one of them."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from psycopg2.extensions import cursor as Cursor

from cli.demo_days import answer_for
from pipeline.jobs.run import Selection
from pipeline.jobs.steps import Steps
from pipeline.quality.exceptions import accept
from pipeline.settings import PostgresSettings
from tests.integration.quality_runs import DAY, HISTORY, failures, orders, publish_history, refused, stage
from tests.integration.samples import uid

Sql = Callable[..., list[tuple]]
LATER = datetime.now(UTC) + timedelta(days=1)


def test_yesterday_missing(database: PostgresSettings, sql: Sql):
    publish_history(database, sql, HISTORY[:1])
    orders(database, "2026-02-08", 9000)
    failed = refused(stage(database, sql).gate)
    assert list(failed) == ["fact_orders_fresh"]
    assert failed["fact_orders_fresh"].samples == [{"day": DAY, "orders": 0}]


def test_half_the_usual_volume(database: PostgresSettings, sql: Sql):
    publish_history(database, sql)
    orders(database, DAY, 9000, count=5)
    run = stage(database, sql)
    failed = refused(run.gate)
    assert list(failed) == ["fact_orders_volume_low"]
    assert failed["fact_orders_volume_low"].samples == [
        {"day": DAY, "orders": 5, "usual": 10.0, "ratio": 0.5}
    ]
    assert failed["fact_orders_volume_low"].measured == 0.5


def test_orders_that_only_the_batch_publishes_count_too(database: PostgresSettings, sql: Sql):
    publish_history(database, sql)
    orders(database, DAY, 9000)
    sql("DELETE FROM curated.fact_orders WHERE order_date = %s", DAY)
    assert failures(stage(database, sql).gate()) == {}


def test_a_thin_history_skips_the_volume(database: PostgresSettings, sql: Sql):
    publish_history(database, sql, HISTORY[1:])
    orders(database, DAY, 9000, count=1)
    skipped = [result for result in stage(database, sql).gate() if result.outcome == "skipped"]
    assert {result.check_name for result in skipped} >= {"fact_orders_volume_low", "fact_orders_volume_high"}
    assert {result.reason for result in skipped if "volume" in result.check_name} == {
        "fewer than 4 of the same weekday have orders in the 4 weeks before"
    }


def test_a_backfill_is_judged_by_each_of_its_days(database: PostgresSettings, sql: Sql):
    days = (*HISTORY, DAY)
    publish_history(database, sql, days)
    sql("DELETE FROM curated.fact_orders WHERE order_date = %s AND order_id >= %s", DAY, uid(5004, kind=1))
    run = stage(database, sql, "past", Selection("backfill", date(2026, 2, 2), date(2026, 2, 10)))
    failed = refused(run.gate)
    assert list(failed) == ["fact_orders_volume_low"]
    assert [sample["day"] for sample in failed["fact_orders_volume_low"].samples] == [DAY]


def without_a_day(database: PostgresSettings, sql: Sql) -> Steps:
    """Return a run of the day after a day without orders, which no run has published."""
    weeks = [date.fromisoformat(day) - timedelta(days=back) for day in HISTORY for back in (0, 1)]
    publish_history(database, sql, tuple(sorted(day.isoformat() for day in weeks)))
    sql("UPDATE ops.publications SET published_at = '2026-02-08 00:40:00Z'")
    orders(database, DAY, 9900)
    return stage(database, sql)


def test_a_day_that_was_refused_is_judged_by_the_next_days_run_too(database: PostgresSettings, sql: Sql):
    found = refused(without_a_day(database, sql).gate)
    assert found.keys() == {"fact_orders_fresh", "fact_orders_volume_low"}
    (sample,) = found["fact_orders_fresh"].samples
    assert sample["day"] == "2026-02-08"


def test_a_day_among_others_is_accepted_for_itself_alone(database: PostgresSettings, sql: Sql, etl: Cursor):
    run = without_a_day(database, sql)
    for name in ("fact_orders_fresh", "fact_orders_volume_low"):
        accept(etl, name, "ada", "closed", LATER, date.fromisoformat(DAY))
    assert refused(run.gate).keys() == {"fact_orders_fresh", "fact_orders_volume_low"}
    for name in ("fact_orders_fresh", "fact_orders_volume_low"):
        accept(etl, name, "ada", "the holiday", LATER, date(2026, 2, 8))
    results = failures(run.gate()).values()
    assert {(one.outcome, one.reason) for one in results} == {("accepted", "accepted by ada: the holiday")}


def test_a_demo_answers_for_the_days_since_the_last_one(database: PostgresSettings, sql: Sql, etl: Cursor):
    run = without_a_day(database, sql)
    answer_for(etl.connection, date.fromisoformat(DAY) + timedelta(days=1))
    assert {one.outcome for one in failures(run.gate()).values()} == {"accepted"}


@pytest.mark.parametrize("burst", [True, False])
def test_a_demo_answers_for_the_days_on_which_it_ran_or_did_not(
    database: PostgresSettings, sql: Sql, etl: Cursor, burst: bool
):
    publish_history(database, sql)
    if burst:
        orders(database, DAY, 9000, 60)
    run = stage(database, sql)
    expected = {"fact_orders_volume_high"} if burst else {"fact_orders_fresh", "fact_orders_volume_low"}
    assert refused(run.gate).keys() == expected
    for _ in range(2):
        answer_for(etl.connection, date.fromisoformat(DAY) + timedelta(days=1))
    assert {result.outcome for result in failures(run.gate()).values()} == {"accepted"}
    assert sql("SELECT count(*) FROM ops.quality_exceptions") == [(6,)]
