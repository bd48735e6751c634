"""The spec's queries on the real server, as the role that dashboards have, and what that role can't do."""

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import date
from decimal import Decimal

import psycopg2
import pytest
from psycopg2.extensions import connection as Connection

from dashboards.page.period import Period, parse
from dashboards.page.warehouse import Away, Broken, Warehouse
from dashboards.spec import Chart
from dashboards.spec_files import load
from environments import embedded
from environments.embedded import postgres_databases, secret_files
from pipeline.database import connect
from pipeline.settings import PostgresSettings
from tests.integration.commits import commit, valid
from tests.integration.samples import event, uid

Sql = Callable[..., list[tuple]]
CHARTS = [chart for dashboard in load() for chart in dashboard.charts]
KIND = {
    16: "bool",
    20: "integer",
    23: "integer",
    25: "text",
    701: "decimal",
    1082: "date",
    1184: "timestamp",
    1700: "decimal",
}


def chart(key: str) -> Chart:
    return next(each for each in CHARTS if each.key == key)


@pytest.fixture(scope="module")
def filled(shared_database: PostgresSettings) -> PostgresSettings:
    """Orders of two currencies on three days, one cancelled, a message in the DLQ."""
    events = [
        event(1, ordered_at="2026-01-30T12:00:00Z"),
        event(2, ordered_at="2026-02-02T23:59:59.999999Z", currency="USD", quantity=1),
        event(3, ordered_at="2026-02-03T00:00:00Z"),
        event(4, ordered_at="2026-02-03T01:00:00Z", product_id=8, quantity=9),
        event(5, ordered_at="2026-02-03T02:00:00Z"),
        event(15, order_id=uid(5, kind=1), order_version=2, status="cancelled", event_type="cancelled"),
    ]
    commit(shared_database, [valid(each) for each in events])
    return shared_database


@pytest.fixture
def reader(filled: PostgresSettings) -> Iterator[Connection]:
    with closing(connect(filled, "bi_readonly", "tests")) as connection:
        yield connection


@pytest.mark.parametrize("asked", CHARTS, ids=lambda each: each.key)
def test_a_query_gives_the_columns_that_its_chart_declares(reader: Connection, asked: Chart):
    with reader, reader.cursor() as cursor:
        cursor.execute(asked.sql)
        found = [(column.name, KIND[column.type_code]) for column in cursor.description or ()]
    assert found == [(column.name, column.type) for column in asked.columns]


def test_without_a_choice_the_period_is_the_last_thirty_days(reader: Connection):
    with reader, reader.cursor() as cursor:
        cursor.execute(
            "SELECT curated.first_day(), curated.last_day() = (now() AT TIME ZONE 'UTC')::date,"
            " curated.last_day() - curated.first_day()"
        )
        assert cursor.fetchall()[0][1:] == (True, 29)


def test_the_page_shows_the_days_that_were_chosen(filled: PostgresSettings):
    chosen = parse("custom", "2026-02-01", "2026-02-03")
    assert Warehouse(filled).rows(chart("daily_revenue"), chosen) == [
        (date(2026, 2, 1), "EUR", 0), (date(2026, 2, 1), "USD", 0),
        (date(2026, 2, 2), "EUR", 0), (date(2026, 2, 2), "USD", Decimal("19.99")),
        (date(2026, 2, 3), "EUR", Decimal("239.88")), (date(2026, 2, 3), "USD", 0),
    ]  # fmt: skip
    assert Warehouse(filled).rows(chart("top_products"), chosen) == [
        ("Unknown product #8", 9, 1), ("Unknown product #7", 4, 2),
    ]  # fmt: skip
    assert Warehouse(filled).rows(chart("customer_segments"), chosen) == [("unknown", 3, 100)]


def test_a_choice_ends_with_its_question(filled: PostgresSettings):
    warehouse = Warehouse(filled)
    warehouse.rows(chart("daily_revenue"), parse("custom", "2026-02-01", "2026-02-03"))
    days = warehouse.rows(chart("daily_revenue"), Period())
    assert days == []  # nothing was ordered in the last thirty days


BY_RAW = """
SELECT (ordered_at AT TIME ZONE 'UTC')::date, currency, sum(quantity * unit_price)
FROM (
    SELECT DISTINCT ON (order_id) * FROM raw.orders ORDER BY order_id, order_version DESC, event_id DESC
) AS won
WHERE status <> 'cancelled' AND ordered_at >= '2026-01-01Z' AND ordered_at < '2026-03-01Z'
GROUP BY 1, 2 ORDER BY 1, 2
"""


def test_revenue_is_what_raw_says(filled: PostgresSettings):
    shown = Warehouse(filled).rows(chart("daily_revenue"), parse("custom", "2026-01-01", "2026-02-28"))
    assert isinstance(shown, list)
    with closing(connect(filled, "admin")) as connection, connection.cursor() as cursor:
        cursor.execute(BY_RAW)
        assert [row for row in shown if row[2]] == cursor.fetchall()


def test_new_orders_count_and_their_changes_do_not(filled: PostgresSettings):
    rows = Warehouse(filled).rows(chart("order_inflow"), Period())
    assert isinstance(rows, list)
    assert (len(rows), sum(row[1] for row in rows)) == (60, 5)


@pytest.fixture
def visitor(server: PostgresSettings) -> Iterator[Connection]:
    """The role in the platform's own database: a copy would have lost the database's privileges."""
    with closing(connect(server, "bi_readonly", "tests")) as connection:
        yield connection


@pytest.mark.parametrize("schema", ["raw", "staging", "ops", "public"])
def test_the_readers_role_sees_no_other_schema(server: PostgresSettings, visitor: Connection, schema: str):
    with closing(connect(server, "admin")) as admin, admin.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = %s::regnamespace AND relkind IN ('r', 'S')",
            (schema,),
        )
        tables = [name for (name,) in cursor.fetchall()]
    assert tables
    for table in tables:
        with pytest.raises(psycopg2.errors.InsufficientPrivilege), visitor, visitor.cursor() as cursor:
            cursor.execute(f'SELECT * FROM {schema}."{table}" LIMIT 1')


def test_there_is_no_schema_that_nobody_tried(server: PostgresSettings):
    with closing(connect(server, "admin")) as admin, admin.cursor() as cursor:
        cursor.execute(
            "SELECT nspname FROM pg_namespace WHERE nspname !~ '^(pg_|information_schema)' ORDER BY 1"
        )
        assert [name for (name,) in cursor.fetchall()] == ["curated", "ops", "public", "raw", "staging"]


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM curated.fact_orders",
        "UPDATE curated.dim_products SET name = ''",
        "CREATE TABLE curated.mine (id int)",
        "CREATE TEMPORARY TABLE mine (id int)",
        "SELECT pg_read_file('/etc/passwd')",
        "COPY curated.fact_orders TO PROGRAM 'true'",
    ],
)
def test_the_readers_role_only_reads(visitor: Connection, statement: str):
    with pytest.raises(psycopg2.errors.InsufficientPrivilege), visitor, visitor.cursor() as cursor:
        cursor.execute(statement)


def test_the_readers_role_is_kept_out_of_airflows_database(
    embedded_home: embedded.Home, server: PostgresSettings
):
    secret_files.ensure_airflow(embedded_home)
    postgres_databases.ensure_airflow(embedded_home, server.port)
    with pytest.raises(psycopg2.OperationalError, match="permission denied for database"):
        connect(server.model_copy(update={"database": "airflow"}), "bi_readonly")


def test_health_is_that_of_the_topic_that_is_read(filled: PostgresSettings):
    with closing(connect(filled, "admin")) as admin, admin.cursor() as cursor:
        cursor.execute(
            "INSERT INTO ops.stream_offsets (topic, partition, first_offset, next_offset, committed_at)"
            " VALUES ('given-up', 0, 0, 10, now()), ('read', 0, 0, 5, now() - interval '1 hour');"
            "INSERT INTO ops.stream_ends VALUES ('given-up', 0, 1000, now() - interval '1 day'),"
            " ('read', 0, 7, now());"
            "SELECT events_waiting, kafka_seen_at = now() FROM curated.pipeline_health_stream"
        )
        assert cursor.fetchall() == [(2, True)]  # and all is rolled back


def test_health_views_hold_no_business_row(reader: Connection):
    with reader, reader.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name FROM information_schema.columns"
            " WHERE table_schema = 'curated' AND table_name LIKE 'pipeline_health%' AND column_name"
            " ~ 'sample|query|detail|customer|email|order_id|event_id|value'"
        )
        assert cursor.fetchall() == []


def test_a_database_that_is_away_is_told_in_a_line(filled: PostgresSettings):
    away = Warehouse(filled.model_copy(update={"port": 1})).rows(CHARTS[0], Period())
    assert isinstance(away, Away)
    assert "\n" not in away.problem


def test_a_kept_connection_that_was_cut_is_replaced(filled: PostgresSettings):
    warehouse = Warehouse(filled)
    assert isinstance(warehouse.rows(CHARTS[0], Period()), list)
    with closing(connect(filled, "admin")) as admin, admin, admin.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'bi_readonly'")
    assert isinstance(warehouse.rows(CHARTS[0], Period()), list)


def test_a_slow_query_is_cut_and_not_tried_again(filled: PostgresSettings, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("dashboards.page.warehouse.STATEMENT_TIMEOUT_MS", 50)
    slow = CHARTS[0].model_copy(update={"sql": "SELECT pg_sleep(5)"})
    warehouse = Warehouse(filled)
    broken = warehouse.rows(slow, Period())
    assert isinstance(broken, Broken)
    assert "its query was ended after" in broken.problem
    # One slow chart is no database that is away: the others are asked at once.
    assert isinstance(warehouse.rows(CHARTS[1], Period()), list)


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        (
            "SELECT nothing FROM curated.pipeline_health_stream",
            'its query fails: column "nothing" does not exist',
        ),
        ("SELECT 1 / 0", "its query fails: division by zero"),
        ("SELECT * FROM raw.orders", "its query fails: permission denied"),
        ("SELECT 1 AS one", "its query gives one, and its file says "),
    ],
)
def test_a_chart_that_is_wrong_is_told_for_itself(filled: PostgresSettings, sql: str, told: str):
    warehouse = Warehouse(filled)
    broken = warehouse.rows(CHARTS[0].model_copy(update={"sql": sql}), Period())
    assert isinstance(broken, Broken)
    assert broken.problem.startswith(told)
    assert "\n" not in broken.problem
    assert isinstance(warehouse.rows(CHARTS[1], Period()), list)
