"""How the streaming job is doing, by what `ops` and Kafka say."""

from contextlib import closing
from dataclasses import dataclass

from psycopg2.extensions import connection as Connection

from pipeline.database import connect_patiently
from pipeline.settings import KafkaSettings, PostgresSettings
from pipeline.stream.offsets import behind
from pipeline.stream.progress import committed_offsets
from pipeline.stream.topic import topic_range


@dataclass(frozen=True)
class Health:
    """Events not committed yet; seconds since the last commit, None before the first; starts in an hour.

    `dead_percent` is of the last hour's events, and `freshness_s` the longest that the newest event of a
    commit took from Kafka's CreateTime to the commit, within a quarter of an hour; None where there was none.
    """

    behind: int
    last_commit_age_s: float | None
    starts_last_hour: int
    dead_percent: float = 0.0
    freshness_s: float | None = None


@dataclass(frozen=True)
class Limits:
    """What is still fine; an old commit is, too, as long as there is nothing to commit."""

    behind: int = 500_000
    last_commit_age_s: float = 120.0
    starts_last_hour: int = 3


def read_health(postgres: PostgresSettings, kafka: KafkaSettings) -> Health:
    """Ask the warehouse and the brokers; raise DatabaseUnavailable, KafkaUnavailable or TopicMissing."""
    held = topic_range(kafka, kafka.orders_topic)
    with closing(connect_patiently(postgres, "ingest", "ecom-watch")) as connection:
        committed = committed_offsets(connection, kafka.orders_topic)
        ages = _ages(connection, kafka.orders_topic)
        return Health(behind(committed, held), *ages, *_last_commits(connection, kafka.orders_topic))


def record_start(connection: Connection) -> None:
    """Note in ops that the streaming job starts; starts older than a month are forgotten."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM ops.stream_starts WHERE started_at < now() - interval '30 days'")
        cursor.execute("INSERT INTO ops.stream_starts DEFAULT VALUES")


def problems(health: Health, limits: Limits) -> list[str]:
    """Return a line for each limit that is passed; none if all is well."""
    found = []
    if health.behind > limits.behind:
        found.append(f"{health.behind:,} events are not committed yet (limit {limits.behind:,})")
    age = health.last_commit_age_s
    if health.behind and (age is None or age > limits.last_commit_age_s):
        since = "never committed" if age is None else f"last committed {age:.0f} s ago"
        found.append(f"{health.behind:,} events wait and it {since} (limit {limits.last_commit_age_s:.0f} s)")
    if health.starts_last_hour > limits.starts_last_hour:
        found.append(
            f"started {health.starts_last_hour} times within an hour (limit {limits.starts_last_hour})"
        )
    return found


def _ages(connection: Connection, topic: str) -> tuple[float | None, int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT extract(epoch FROM clock_timestamp() - max(committed_at))::float,"
            " (SELECT count(*) FROM ops.stream_starts WHERE started_at > now() - interval '1 hour')"
            " FROM ops.stream_offsets WHERE topic = %s",
            (topic,),
        )
        age, starts = cursor.fetchone() or (None, 0)
        return age, starts


def _last_commits(connection: Connection, topic: str) -> tuple[float, float | None]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(100.0 * sum(dlq_rows)"
            "       / nullif(sum(raw_rows + duplicate_rows + dlq_rows), 0), 0)::float,"
            " max(extract(epoch FROM committed_at - max_source_timestamp))"
            "       FILTER (WHERE committed_at > now() - interval '15 minutes')::float"
            " FROM ops.stream_commits WHERE topic = %s AND committed_at > now() - interval '1 hour'",
            (topic,),
        )
        dead, freshness = cursor.fetchone() or (0.0, None)
        return dead, freshness
