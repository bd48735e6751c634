"""Staging belongs to one run and one attempt of a step: nothing interleaves, nothing stale is published."""

import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from datetime import date, timedelta

import pytest
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor
from pyspark.sql import SparkSession

from pipeline import writers_lock
from pipeline.database import connect
from pipeline.jobs.publish import StagingIncomplete
from pipeline.jobs.run import RunUnknown, Selection
from pipeline.jobs.seat import LEASE_IN_ONE_PROCESS_S, Seat, SeatLost, SeatTaken, step
from pipeline.jobs.staging_sink import load
from pipeline.locks import STEP_LOCK, WRITERS_LOCK
from pipeline.rebuild.publish import publish_from_raw
from pipeline.settings import PostgresSettings
from pipeline.writers_lock import WritersBusy
from tests.integration.batches import INCREMENT, Batch
from tests.integration.commits import commit, valid
from tests.integration.conftest import Connect
from tests.integration.samples import event
from tests.waiting import until

Sql = Callable[..., list[tuple]]


@pytest.fixture
def etl(database: PostgresSettings) -> Iterator[Cursor]:
    with closing(connect(database, "etl", "tests")) as connection:
        yield connection.cursor()


def new_batch(database: PostgresSettings, spark: SparkSession, run_id: str) -> Batch:
    return Batch(database, spark, run_id, wait_s=0)


def test_a_step_that_outlasts_its_lease_keeps_the_seat(database: PostgresSettings, sql: Sql):
    seen = "SELECT seen_at FROM ops.batch_seat"
    with step(database, "first", beginning=True, lease_s=0.3):
        ((began,),) = sql(seen)
        until(lambda: sql(seen) > [(began,)], "the lease is renewed")
    with suppress(RuntimeError), step(database, "first", lease_s=900):
        sql("UPDATE ops.batch_seat SET seen_at = now() - interval '1 day'")
        raise RuntimeError("a fault")
    with pytest.raises(SeatTaken), step(database, "second", beginning=True, wait_s=0):
        pass


def test_a_second_run_waits_until_the_first_has_published(
    database: PostgresSettings, spark: SparkSession, sql: Sql
):
    commit(database, [valid(event(1))])
    first, second = (new_batch(database, spark, name) for name in ("first", "second"))
    first.stage()
    with pytest.raises(SeatTaken, match="run first is not done after 0 s: try again later"):
        second.steps.begin(INCREMENT)
    first.publish()
    second.steps.begin(INCREMENT)
    assert sql("SELECT run_id FROM ops.batch_seat") == [("second",)]


def test_two_runs_of_one_day_at_once_do_not_interleave(
    database: PostgresSettings, spark: SparkSession, sql: Sql
):
    commit(database, [valid(event(number)) for number in range(20)])
    sql("UPDATE curated.fact_orders SET quantity = 77")
    day = date.fromisoformat(event(1)["ordered_at"][:10])
    steps: list[tuple[str, str]] = []
    refused = threading.Event()

    def run(name: str) -> int:
        one = Batch(database, spark, name, wait_s=120)
        one.steps.on_wait = lambda owner: refused.set()
        one.steps.begin(Selection("backfill", day, day + timedelta(days=1)))
        steps.append((name, "began"))
        # No step of this run holds anything now: the other one is kept off by the seat alone.
        refused.clear()
        refused.wait(10 if len(steps) == 1 else 0)
        one.steps.dimensions()
        staged = one.steps.facts()
        one.pass_gate()
        steps.append((name, "publishes"))
        one.steps.publish()
        return staged

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(run, ("left", "right"))) == [20, 20]
    first, second = steps[0][0], steps[2][0]
    assert {first, second} == {"left", "right"}
    assert [name for name, _ in steps] == [first, first, second, second]
    assert sql("SELECT count(*) FROM curated.fact_orders WHERE quantity = 77") == [(0,)]
    assert sql("SELECT run_id FROM ops.publications ORDER BY publication_id") == [(first,), (second,)]


def test_one_step_at_a_time_even_of_the_same_run(
    database: PostgresSettings, spark: SparkSession, etl: Cursor
):
    run = new_batch(database, spark, "one")
    run.stage()
    etl.execute("SELECT pg_advisory_lock(%s)", (STEP_LOCK,))
    with pytest.raises(SeatTaken):
        run.steps.facts()
    etl.execute("SELECT pg_advisory_unlock(%s)", (STEP_LOCK,))
    run.steps.facts()


def test_a_dead_run_loses_its_seat_and_refuses_when_it_wakes_up(
    database: PostgresSettings, spark: SparkSession, sql: Sql
):
    dead, living = (new_batch(database, spark, name) for name in ("dead", "living"))
    dead.stage()
    sql("UPDATE ops.batch_seat SET seen_at = now() - interval '1 hour'")
    living.steps.begin(INCREMENT)
    for step_of_the_dead in (dead.steps.dimensions, dead.steps.facts, dead.steps.publish):
        with pytest.raises(SeatLost, match="staging belongs to run living by now, not to run dead"):
            step_of_the_dead()


def test_what_an_older_attempt_left_running_may_not_write(
    database: PostgresSettings, spark: SparkSession, sql: Sql
):
    run = new_batch(database, spark, "one")
    run.stage()
    ((attempt,),) = sql("SELECT attempt FROM ops.batch_seat")
    rows = spark.createDataFrame([(1,)], "customer_id bigint")
    with pytest.raises(SeatLost, match="a later attempt of run one has taken over"):
        load(rows, database, Seat("one", attempt - 1), "dim_customers")
    assert sql("SELECT count(*) FROM staging.dim_customers") == [(0,)]


def test_a_partition_that_spark_repeats_adds_nothing(
    database: PostgresSettings, spark: SparkSession, sql: Sql
):
    run = new_batch(database, spark, "one")
    run.stage()
    rows = spark.createDataFrame([(1,), (2,)], "customer_id bigint").coalesce(1)
    with step(database, "one") as (seat, _):
        assert load(rows, database, seat, "dim_customers") == 2
        assert load(rows, database, seat, "dim_customers") == 2
    assert sql("SELECT count(*) FROM staging.dim_customers") == [(2,)]


def test_a_step_may_be_repeated(database: PostgresSettings, spark: SparkSession, sql: Sql):
    commit(database, [valid(event(number)) for number in range(3)])
    run = new_batch(database, spark, "one")
    assert (run.stage(), run.steps.facts()) == (3, 3)
    assert sql("SELECT count(*) FROM staging.fact_orders") == [(3,)]


def test_publishing_twice_is_publishing_once(database: PostgresSettings, spark: SparkSession, sql: Sql):
    commit(database, [valid(event(1))])
    run = new_batch(database, spark, "one")
    run.stage()
    assert run.publish() == run.steps.publish()
    assert len(sql("SELECT * FROM ops.publications")) == 1


def test_a_publication_in_between_makes_a_run_start_again(database: PostgresSettings, spark: SparkSession):
    run = new_batch(database, spark, "one")
    run.stage()
    publish_from_raw(database)
    with pytest.raises(SeatLost, match="came after run one began"):
        run.publish()
    assert run.whole(judged=False) == 0


def test_without_a_gate_nothing_is_published(database: PostgresSettings, spark: SparkSession, sql: Sql):
    run = new_batch(database, spark, "one")
    run.stage()
    with pytest.raises(StagingIncomplete, match="has not passed the gate since its last staging"):
        run.steps.publish()
    run.pass_gate()
    run.steps.facts()
    with pytest.raises(StagingIncomplete, match="has not passed the gate since its last staging"):
        run.steps.publish()
    assert sql("SELECT * FROM ops.publications") == []


def test_staging_emptied_by_a_crash_is_not_published(
    database: PostgresSettings, spark: SparkSession, sql: Sql
):
    commit(database, [valid(event(1))])
    run = new_batch(database, spark, "one")
    run.stage()
    sql("TRUNCATE staging.fact_orders")
    with pytest.raises(StagingIncomplete, match=r"staging\.fact_orders has 0 rows and run one staged 1"):
        run.publish()


def test_a_step_of_a_run_that_never_began_says_so(database: PostgresSettings, spark: SparkSession):
    with pytest.raises((RunUnknown, SeatLost), match="begin"):
        new_batch(database, spark, "stranger").steps.facts()


@pytest.mark.parametrize("days", [(None, None), ("2026-01-02", "2026-01-01")])
def test_a_backfill_without_days_is_refused(days: tuple):
    with pytest.raises(ValueError, match="first day and a later day"):
        Selection("backfill", *days)


def test_a_step_that_fails_after_its_run_gave_the_seat_up_does_not_keep_it(
    database: PostgresSettings, spark: SparkSession, sql: Sql
):
    run = new_batch(database, spark, "one")
    run.stage()
    run.publish()
    free = "SELECT released_at IS NOT NULL FROM ops.batch_seat"
    assert sql(free) == [(True,)]
    with pytest.raises(ZeroDivisionError), step(database, "one"):
        raise ZeroDivisionError
    assert sql(free) == [(True,)]


def test_a_run_in_one_process_that_was_killed_is_not_waited_for_as_long(
    database: PostgresSettings, spark: SparkSession, sql: Sql
):
    killed = new_batch(database, spark, "killed")
    killed.steps.lease_s = LEASE_IN_ONE_PROCESS_S
    killed.stage()
    sql("UPDATE ops.batch_seat SET seen_at = now() - interval '11 seconds'")
    new_batch(database, spark, "next").steps.begin(INCREMENT)
    assert sql("SELECT run_id FROM ops.batch_seat") == [("next",)]


class Ending(logging.Handler):
    """Ends a writer's transaction once somebody has said that it waited for it in vain."""

    def __init__(self, writer: Connection) -> None:
        super().__init__()
        self.writer = writer
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(record.getMessage())
        self.writer.rollback()


@pytest.mark.parametrize("name", ["begin", "publish"])
def test_a_writer_that_holds_the_lock_is_named_and_waited_for_again_but_not_for_ever(
    database: PostgresSettings,
    spark: SparkSession,
    sql: Sql,
    log_in: Connect,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
):
    monkeypatch.setattr(writers_lock, "WAIT_S", 0.1)
    monkeypatch.setattr(writers_lock, "ATTEMPTS", 1)
    run = new_batch(database, spark, "one")
    run.stage()
    run.pass_gate()
    step = {"begin": lambda: run.steps.begin(INCREMENT), "publish": run.steps.publish}[name]
    writer = log_in("ingest")

    def write() -> None:
        writer.cursor().execute("SELECT pg_advisory_xact_lock_shared(%s)", (WRITERS_LOCK,))

    write()
    said = r"tests \(pid \d+\) wrote orders all the 0\.1 s that the publication waited"
    with pytest.raises(WritersBusy, match=said):
        step()
    assert sql("SELECT * FROM ops.publications") == []
    # The wait is over, so that those who came behind it go on: one more writer is let in at once.
    sql("SET lock_timeout = '5s'")
    sql("SELECT pg_advisory_xact_lock_shared(%s)", WRITERS_LOCK)
    monkeypatch.setattr(writers_lock, "ATTEMPTS", 2)
    ending = Ending(writer)
    monkeypatch.setattr(writers_lock.log, "handlers", [ending])
    monkeypatch.setattr(writers_lock.log, "level", logging.INFO)
    step()
    assert len(ending.said) == 1
    assert sql("SELECT count(*) FROM ops.publications") == [(int(name == "publish"),)]
