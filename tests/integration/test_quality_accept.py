"""Accepted exceptions, and the second phase on what was published."""

from collections.abc import Callable
from contextlib import closing
from datetime import UTC, date, datetime, timedelta

import pytest
from psycopg2.extensions import cursor as Cursor

from pipeline.database import connect
from pipeline.jobs.run import Selection
from pipeline.jobs.steps import Steps
from pipeline.quality.errors import QualityError
from pipeline.quality.exceptions import accept
from pipeline.quality.results import failed_lines
from pipeline.quality.runner import QualityFailed
from pipeline.settings import PostgresSettings
from tests.integration.quality_runs import (
    DAY,
    failures,
    ready,
    refused,
    stage,
)
from tests.integration.samples import uid

Sql = Callable[..., list[tuple]]
QUANTITY = "fact_orders_quantity"
LATER = datetime.now(UTC) + timedelta(days=1)


@pytest.fixture
def run(database: PostgresSettings, sql: Sql) -> Steps:
    """A staged run with one fault that can be published all the same: a status that nobody knows."""
    steps = ready(database, sql)
    sql("UPDATE staging.fact_orders SET status = 'lost' WHERE order_id = %s", uid(9000, kind=1))
    return steps


def test_an_accepted_failure_passes_and_is_told_in_both_phases(run: Steps, etl: Cursor, sql: Sql):
    made = accept(etl, "fact_orders_status", "ada", "a new shop", LATER)
    for judge in (run.gate, run.check):
        found = failures(judge())
        assert list(found) == ["fact_orders_status"]
        result = found["fact_orders_status"]
        assert (result.outcome, result.exception_id) == ("accepted", made.exception_id)
        assert (result.reason, len(result.samples)) == ("accepted by ada: a new shop", 1)
        if judge == run.gate:
            run.publish()
    assert sql(
        "SELECT phase, exception_id FROM ops.quality_results WHERE outcome = 'accepted' ORDER BY 1"
    ) == [
        ("check", made.exception_id),
        ("gate", made.exception_id),
    ]


@pytest.mark.parametrize(
    ("name", "day", "holds"),
    [
        ("fact_orders_status", date.fromisoformat(DAY), True),
        ("fact_orders_status", date(2026, 2, 8), False),
        ("fact_orders_currency", None, False),
    ],
)
def test_an_exception_holds_for_its_check_and_its_day(
    run: Steps, etl: Cursor, name: str, day: date | None, holds: bool
):
    accept(etl, name, "ada", "a new shop", LATER, day)
    if holds:
        assert [result.outcome for result in failures(run.gate()).values()] == ["accepted"]
    else:
        assert list(refused(run.gate)) == ["fact_orders_status"]


def test_an_expired_exception_holds_no_more(run: Steps, etl: Cursor, sql: Sql):
    accept(etl, "fact_orders_status", "ada", "a new shop", LATER)
    run.gate()
    sql("UPDATE ops.quality_exceptions SET created_at = now() - interval '2 days', until = now()")
    assert refused(run.gate)["fact_orders_status"].outcome == "failed"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"check_name": "absent"},
            "check 'absent': allowed are dim_customers_staged, dim_customers_complete",
        ),
        ({"check_name": QUANTITY}, "fact_orders_quantity can't be accepted: the curated tables refuse"),
        ({"who": " "}, "who is empty"),
        ({"why": ""}, "why is empty"),
        ({"until": datetime(2026, 1, 1, tzinfo=UTC)}, "until 2026-01-01 00:00 UTC is over"),
    ],
)
def test_an_exception_nobody_could_answer_for_is_refused(etl: Cursor, changes: dict, said: str):
    wanted = {"check_name": "fact_orders_status", "who": "ada", "why": "because", "until": LATER} | changes
    with pytest.raises(QualityError, match=said):
        accept(etl, **wanted)
    etl.execute("SELECT * FROM ops.quality_exceptions")
    assert etl.fetchall() == []


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("UPDATE curated.fact_orders SET customer_key = 5 WHERE order_id = %s", "fact_orders_customer_known"),
        ("DELETE FROM curated.fact_orders WHERE order_id = %s", "fact_orders_complete"),
    ],
)
def test_the_second_phase_sees_what_happened_to_curated(
    database: PostgresSettings, sql: Sql, fault: str, expected: str
):
    run = ready(database, sql)
    run.gate()
    run.publish()
    sql(fault, uid(9000, kind=1))
    # It needs no seat: another run may have staging by now.
    stage(database, sql, "next")
    with pytest.raises(QualityFailed, match="what run published stays published"):
        run.check()
    assert list(refused(run.check)) == [expected]
    assert sql("SELECT count(*) FROM ops.publications WHERE run_id = 'run'") == [(1,)]
    assert sql("SELECT run_id, released_at FROM ops.batch_seat") == [("next", None)]


def test_the_second_phase_looks_at_the_members_that_changed(database: PostgresSettings, sql: Sql):
    run = ready(database, sql)
    run.gate()
    run.publish()
    sql("UPDATE curated.dim_products SET valid_to = '2026-02-08Z' WHERE product_id = 8 AND NOT is_current")
    assert list(refused(run.check)) == ["dim_products_history"]


def test_a_backfill_and_a_full_run_answer_in_both_phases(database: PostgresSettings, sql: Sql):
    first = ready(database, sql)
    first.gate()
    first.publish()
    for run_id, selection in (
        ("past", Selection("backfill", date(2026, 2, 2), date(2026, 2, 10))),
        ("full", Selection("full")),
    ):
        run = stage(database, sql, run_id, selection)
        assert failures(run.gate()) == {}
        run.publish()
        assert failures(run.check()) == {}


def test_the_second_phase_misses_what_was_not_published(run: Steps):
    # The stream has written the orders; their new customers and products are the publication's.
    found = refused(run.check)
    failed = {name for name, result in found.items() if result.outcome == "failed"}
    assert failed == {"dim_customers_complete", "dim_products_complete"}


def test_the_failed_lines_are_for_a_log_and_never_fail(
    database: PostgresSettings, run: Steps, platform_env: dict[str, str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("ECOM_POSTGRES_DATABASE", database.database)
    assert failed_lines("run") == []
    refused(run.gate)
    (line,) = failed_lines("run")
    assert line.startswith("gate: fact_orders_status failed (1 row; measured 1, allowed at most 0) [{")
    monkeypatch.setenv("ECOM_POSTGRES_DATABASE", "absent")
    assert failed_lines("run") == []


def test_a_check_that_gives_no_answer_blocks(run: Steps, sql: Sql, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("pipeline.quality.runner.STATEMENT_TIMEOUT_S", 0.2)
    with closing(connect(run.postgres, "admin", "tests")) as connection:
        connection.cursor().execute("LOCK TABLE ops.stream_offsets")
        with pytest.raises(QualityError, match="fact_orders_stream gave no answer: canceling statement"):
            run.gate()
    assert sql("SELECT gated_at FROM ops.batch_runs") == [(None,)]
