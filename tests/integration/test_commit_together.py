"""Several writers at once: the writers' lock, and commits that want the same rows in opposite order."""

import threading
from collections.abc import Callable
from contextlib import closing

import psycopg2
import pytest

from pipeline.database import connect
from pipeline.locks import WRITERS_LOCK
from pipeline.settings import PostgresSettings
from pipeline.stream.commit import commit_partition
from pipeline.stream.tally import Tally
from tests.integration.commits import Sink, batch, commit, valid
from tests.integration.conftest import Connect
from tests.integration.samples import event

Sql = Callable[..., list[tuple]]
MANY = [valid(event(number)) for number in range(3_000)]
WAITING = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND NOT granted"


def hold_writers_lock(connection: psycopg2.extensions.connection) -> None:
    connection.cursor().execute("SELECT pg_advisory_xact_lock(%s)", (WRITERS_LOCK,))


def test_a_commit_waits_for_whoever_publishes(database: PostgresSettings, log_in: Connect, sql: Sql):
    publisher, writer = log_in("etl"), log_in("ingest")
    hold_writers_lock(publisher)
    with writer.cursor() as cursor:
        cursor.execute("SET lock_timeout = '50ms'")
    writer.commit()
    with pytest.raises(psycopg2.errors.LockNotAvailable):
        commit_partition(writer, "orders", Sink(), iter([batch(MANY[:3])]))
    assert sql("SELECT count(*) FROM raw.orders") == [(0,)]
    publisher.rollback()
    tally = commit_partition(writer, "orders", Sink(), iter([batch(MANY[:3])]))
    assert tally is not None
    assert tally.raw_rows == 3


def test_writers_do_not_wait_for_each_other(database: PostgresSettings, log_in: Connect):
    first, second = log_in("ingest"), log_in("ingest")
    first.cursor().execute("SELECT pg_advisory_xact_lock_shared(%s)", (WRITERS_LOCK,))
    second.cursor().execute("SET lock_timeout = '50ms'")
    second.commit()
    tally = commit_partition(second, "orders", Sink(), iter([batch(MANY[:3])]))
    assert tally is not None
    assert tally.raw_rows == 3


def test_a_second_driver_of_the_same_partition_waits(database: PostgresSettings, log_in: Connect):
    commit(database, MANY[:2])
    first, second = log_in("ingest"), log_in("ingest")
    first.cursor().execute("SELECT 1 FROM ops.stream_offsets WHERE topic = 'orders' FOR UPDATE")
    second.cursor().execute("SET lock_timeout = '50ms'")
    second.commit()
    with pytest.raises(psycopg2.errors.LockNotAvailable):
        commit_partition(second, "orders", Sink(), iter([batch(MANY[2:4], 2)]))
    first.rollback()
    assert commit(database, MANY[2:4], 2).raw_rows == 2


def test_overlapping_events_in_opposite_order_end_without_deadlock_or_double(
    database: PostgresSettings, log_in: Connect, sql: Sql
):
    publisher = log_in("etl")
    hold_writers_lock(publisher)
    tallies: list[Tally] = []
    writers = [
        threading.Thread(
            target=lambda rows=rows, place=place: tallies.append(commit(database, rows, partition=place))
        )
        for place, rows in enumerate((MANY[:2_000], MANY[:999:-1], MANY[500:2_500]))
    ]
    for writer in writers:
        writer.start()
    # All of them are ready to write before the first one may.
    while sql(WAITING, WRITERS_LOCK) != [(len(writers),)]:
        assert all(writer.is_alive() for writer in writers)
    publisher.rollback()
    for writer in writers:
        writer.join()
    assert len(tallies) == len(writers), "a writer failed"
    assert sum(tally.raw_rows for tally in tallies) == 3_000
    assert sum(tally.duplicate_rows for tally in tallies) == 3_000
    assert sql("SELECT count(*), count(DISTINCT event_id) FROM raw.orders") == [(3_000, 3_000)]
    assert sql("SELECT count(*) FROM curated.fact_orders") == [(3_000,)]


def test_a_lost_connection_commits_nothing(database: PostgresSettings, sql: Sql):
    with closing(connect(database, "ingest")) as connection:
        pid = connection.info.backend_pid
        batches = (batch(MANY[start : start + 1_000], start) for start in (0, 1_000))

        def cut_after_the_first():
            yield next(batches)
            sql("SELECT pg_terminate_backend(%s)", pid)
            yield next(batches)

        with pytest.raises(psycopg2.Error):
            commit_partition(connection, "orders", Sink(), cut_after_the_first())
    assert sql("SELECT count(*) FROM raw.orders") == [(0,)]
    assert sql("SELECT count(*) FROM ops.stream_offsets") == [(0,)]
