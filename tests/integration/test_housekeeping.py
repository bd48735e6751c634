"""What a job that runs for long does beside its micro-batches."""

from collections.abc import Callable
from typing import Any

import pytest
from psycopg2.extensions import connection as Connection
from pyspark.sql.streaming.listener import StreamingQueryProgress

from pipeline.quality.results import prune
from pipeline.settings import PostgresSettings
from pipeline.stream.watch import Housekeeping, chores
from tests.integration.commits import commit, valid
from tests.integration.quality_runs import ready
from tests.integration.samples import event, uid

Sql = Callable[..., list[tuple]]


class Query:
    """A streaming query that reported `ends`, in pyspark's own classes."""

    def __init__(self, **ends: int) -> None:
        source = dict.fromkeys(("description", "startOffset", "endOffset"), "") | {
            "latestOffset": {"orders": ends} if ends else None,
            "numInputRows": 1,
            "inputRowsPerSecond": 1.0,
            "processedRowsPerSecond": 1.0,
        }
        report = {
            "id": uid(1), "runId": uid(2), "name": "orders-stream", "timestamp": "2026-02-03T04:05:06.789Z",
            "batchId": 1, "batchDuration": 1, "durationMs": {}, "eventTime": {}, "stateOperators": [],
            "sources": [source], "sink": {"description": "", "numOutputRows": 1}, "observedMetrics": {},
        }  # fmt: skip
        self.lastProgress = StreamingQueryProgress.fromJson(report)


def housekeeping(settings: PostgresSettings, now: list[float], query: Any = None) -> Housekeeping:
    reported: Any = query or Query()
    return Housekeeping(settings, chores(reported, "orders"), clock=lambda: now[0])


def add_old_commit(sql: Sql) -> None:
    sql(
        "INSERT INTO ops.stream_commits SELECT 'old', partition, from_offset, until_offset, raw_rows,"
        " duplicate_rows, dlq_rows, max_source_timestamp, now() - interval '8 days' FROM ops.stream_commits"
    )


def test_commits_are_kept_a_week_however_long_the_job_runs(database: PostgresSettings, sql: Sql):
    commit(database, [valid(event(1))])
    now = [0.0]
    keep_house = housekeeping(database, now)
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


def test_changes_of_the_sums_are_folded_twice_a_minute(database: PostgresSettings, sql: Sql):
    now = [0.0]
    keep_house = housekeeping(database, now)
    keep_house()
    commit(database, [valid(event(1))])
    waiting = "SELECT count(*) FROM ops.order_changes"
    for now[0], left in ((29.0, 1), (30.0, 0)):
        keep_house()
        assert sql(waiting) == [(left,)]


def test_it_tells_how_far_the_stream_is_behind(database: PostgresSettings, sql: Sql):
    commit(database, [valid(event(1))])
    behind = "SELECT events_waiting, kafka_seen_at::text FROM curated.pipeline_health_stream"
    housekeeping(database, [0.0])()  # before the query's first report
    assert sql(behind) == [(None, None)]
    housekeeping(database, [0.0], Query(**{"0": 8}))()
    assert sql(behind) == [(7, "2026-02-03 04:05:06.789+00")]


def test_a_server_that_is_away_is_no_failure(database: PostgresSettings, caplog: pytest.LogCaptureFixture):
    housekeeping(database.model_copy(update={"port": 1}), [0.0])()
    assert "old rows of ops.stream_commits stay for now" in caplog.text


def add_results(sql: Sql, run_id: str, days_ago: int) -> None:
    sql(
        "INSERT INTO ops.quality_results SELECT * FROM jsonb_populate_record(NULL::ops.quality_results,"
        " (SELECT to_jsonb(r) || jsonb_build_object('run_id', %s::text, 'started_at',"
        " now() - make_interval(days => %s)) FROM ops.quality_results r LIMIT 1))",
        run_id,
        days_ago,
    )


def test_results_of_checks_go_when_their_time_is_over_and_the_latest_runs_never(
    database: PostgresSettings, sql: Sql, log_in: Callable[..., Connection]
):
    run = ready(database, sql)
    run.gate()
    add_results(sql, "old", 11)
    add_results(sql, "recent", 9)
    run.publish()
    run.keep_results_days = 10
    run.check()
    left = "SELECT DISTINCT run_id FROM ops.quality_results ORDER BY 1"
    assert sql(left) == [("recent",), (run.run_id,)]
    sql("UPDATE ops.quality_results SET started_at = started_at - interval '1 year'")
    with log_in("etl") as connection:
        assert prune(connection.cursor(), 10) == 1
    assert sql(left) == [(run.run_id,)]
