"""The watch over the stream: what it reads from `ops` and Kafka, and which limits it tells."""

from collections.abc import Callable
from contextlib import closing

import pytest

from pipeline.database import connect
from pipeline.settings import KafkaSettings, PostgresSettings
from pipeline.stream.health import Health, Limits, problems, read_health, record_start
from tests.integration.commits import commit, valid
from tests.integration.samples import as_bytes, event
from tests.integration.topics import Topics

Sql = Callable[..., list[tuple]]
LIMITS = Limits(behind=10, last_commit_age_s=60, starts_last_hour=2)


def test_lag_age_and_starts_are_read(
    database: PostgresSettings, kafka: KafkaSettings, topics: Topics, sql: Sql
):
    topic = topics.make(partitions=1)
    settings = kafka.model_copy(update={"orders_topic": topic})
    topics.send(topic, [(None, as_bytes(event(number))) for number in range(5)])
    assert read_health(database, settings) == Health(5, None, 0, 0.0, None)
    commit(database, [valid(event(number)) for number in range(3)], topic=topic)
    sql("UPDATE ops.stream_offsets SET committed_at = now() - interval '90 seconds'")
    with closing(connect(database, "ingest", "tests")) as connection, connection:
        record_start(connection)
        record_start(connection)
    sql("INSERT INTO ops.stream_starts (started_at) VALUES (now() - interval '2 hours')")
    health = read_health(database, settings)
    assert (health.behind, health.starts_last_hour) == (2, 2)
    assert 90 <= (health.last_commit_age_s or 0) < 120
    assert health.dead_percent == 0.0
    sql("UPDATE ops.stream_commits SET dlq_rows = 1")
    sql("UPDATE ops.stream_commits SET max_source_timestamp = committed_at - interval '4 seconds'")
    health = read_health(database, settings)
    assert (health.dead_percent, health.freshness_s) == (25.0, 4.0)
    sql("UPDATE ops.stream_commits SET committed_at = now() - interval '20 minutes'")
    assert read_health(database, settings).freshness_s is None
    sql("UPDATE ops.stream_commits SET committed_at = now() - interval '61 minutes'")
    assert read_health(database, settings).dead_percent == 0.0


@pytest.mark.parametrize(
    ("health", "said"),
    [
        (Health(0, None, 0), []),
        (Health(10, 59.0, 2), []),
        (Health(0, 9999.0, 1), []),
        (Health(11, 1.0, 1), ["11 events are not committed yet (limit 10)"]),
        (Health(1, 61.0, 1), ["1 events wait and it last committed 61 s ago (limit 60 s)"]),
        (Health(1, None, 1), ["1 events wait and it never committed (limit 60 s)"]),
        (Health(0, 1.0, 3), ["started 3 times within an hour (limit 2)"]),
    ],
)
def test_each_limit_that_is_passed_is_told(health: Health, said: list[str]):
    assert problems(health, LIMITS) == said
