"""What a job that runs for long does beside its micro-batches."""

from collections.abc import Callable

import pytest

from pipeline.settings import PostgresSettings
from pipeline.stream.watch import Housekeeping
from tests.integration.commits import commit, valid
from tests.integration.samples import event

Sql = Callable[..., list[tuple]]


def add_old_commit(sql: Sql) -> None:
    sql(
        "INSERT INTO ops.stream_commits SELECT 'old', partition, from_offset, until_offset, raw_rows,"
        " duplicate_rows, dlq_rows, max_source_timestamp, now() - interval '8 days' FROM ops.stream_commits"
    )


def test_commits_are_kept_a_week_however_long_the_job_runs(database: PostgresSettings, sql: Sql):
    commit(database, [valid(event(1))])
    now = [0.0]
    keep_house = Housekeeping(database, clock=lambda: now[0])
    left = "SELECT topic FROM ops.stream_commits ORDER BY 1"
    add_old_commit(sql)
    keep_house()
    assert sql(left) == [("orders",)]
    add_old_commit(sql)
    now[0] = 3_599
    keep_house()
    assert sql(left) == [("old",), ("orders",)]
    now[0] = 3_600
    keep_house()
    assert sql(left) == [("orders",)]


def test_a_server_that_is_away_is_no_failure(database: PostgresSettings, caplog: pytest.LogCaptureFixture):
    Housekeeping(database.model_copy(update={"port": 1}))()
    assert "old rows of ops.stream_commits stay for now" in caplog.text
