"""The warehouse's schema and roles: from empty, twice, down and up again; who may read and write what."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest
import sqlalchemy
from alembic import command
from alembic.config import Config

from pipeline.database import connect
from pipeline.migrate import LOGIN_ROLES, MIGRATIONS, migrate
from pipeline.settings import PostgresSettings, Role

Sql = Callable[..., list[tuple]]
SCHEMAS = ("curated", "ops", "raw", "staging")
READS = {
    "bi_readonly": {"curated"},
    "ingest": {"raw", "curated", "ops"},
    "etl": {"raw", "curated", "ops", "staging"},
}
# The batch's own books: the stream has no business there, and samples are rows of customers.
OF_THE_BATCH = {"batch_runs", "batch_seat", "quality_exceptions", "quality_results"}
STRUCTURE = """
SELECT table_schema, table_name, column_name, data_type, is_nullable FROM information_schema.columns
WHERE table_schema IN ('raw', 'staging', 'curated', 'ops') ORDER BY 1, 2, ordinal_position
"""


@pytest.fixture
def empty(server: PostgresSettings) -> Iterator[PostgresSettings]:
    """An empty database, not migrated."""
    with closing(connect(server, "admin", "tests")) as connection:
        connection.autocommit = True
        connection.cursor().execute("CREATE DATABASE tests_empty")
        yield server.model_copy(update={"database": "tests_empty"})
        connection.cursor().execute("DROP DATABASE tests_empty WITH (FORCE)")


def query(settings: PostgresSettings, role: Role, statement: str) -> list[tuple]:
    with closing(connect(settings, role, "tests")) as connection, connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []


def alembic(settings: PostgresSettings, run: Callable[[Config, str], None], revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    engine = sqlalchemy.create_engine(
        "postgresql+psycopg2://", creator=lambda: connect(settings, "admin"), poolclass=sqlalchemy.NullPool
    )
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        run(config, revision)


def test_an_empty_database_is_brought_to_the_newest_schema_and_a_second_run_changes_nothing(
    empty: PostgresSettings,
):
    migrate(empty)
    structure = query(empty, "admin", STRUCTURE)
    assert {row[0] for row in structure} == set(SCHEMAS)
    newest = max(path.name[:4] for path in (MIGRATIONS / "versions").glob("*.sql"))
    assert query(empty, "admin", "SELECT version_num FROM alembic_version") == [(newest,)]
    migrate(empty)
    assert query(empty, "admin", STRUCTURE) == structure


def test_down_to_nothing_and_up_again_is_the_same(empty: PostgresSettings):
    migrate(empty)
    structure = query(empty, "admin", STRUCTURE)
    alembic(empty, command.downgrade, "base")
    assert query(empty, "admin", STRUCTURE) == []
    assert query(empty, "admin", "SELECT count(*) FROM pg_namespace WHERE nspname = 'raw'") == [(0,)]
    alembic(empty, command.upgrade, "head")
    assert query(empty, "admin", STRUCTURE) == structure


def test_each_migration_can_be_taken_back(empty: PostgresSettings):
    migrate(empty)
    for _ in (MIGRATIONS / "versions").glob("*.sql"):
        alembic(empty, command.downgrade, "-1")
    assert query(empty, "admin", "SELECT * FROM alembic_version") == []


def test_a_migrated_database_is_closed_to_everybody_else(empty: PostgresSettings):
    migrate(empty)
    query(empty, "admin", "DROP ROLE IF EXISTS tests_stranger")
    query(empty, "admin", "CREATE ROLE tests_stranger")
    try:
        rights = query(
            empty,
            "admin",
            "SELECT has_database_privilege('tests_stranger', current_database(), 'connect'),"
            " has_schema_privilege('tests_stranger', 'public', 'usage'),"
            " has_schema_privilege('tests_stranger', 'curated', 'usage')",
        )
    finally:
        query(empty, "admin", "DROP ROLE tests_stranger")
    assert rights == [(False, False, False)]


@pytest.mark.parametrize("role", LOGIN_ROLES)
@pytest.mark.parametrize("schema", SCHEMAS)
def test_a_role_reads_its_schemas_and_no_other(database: PostgresSettings, sql: Sql, role: Role, schema: str):
    tables = [name for (name,) in sql("SELECT tablename FROM pg_tables WHERE schemaname = %s", schema)]
    assert tables
    for table in tables:
        statement = f"SELECT count(*) FROM {schema}.{table}"
        if schema in READS[role] and (role == "etl" or table not in OF_THE_BATCH):
            assert len(query(database, role, statement)) == 1
        else:
            with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                query(database, role, statement)


def test_the_batch_makes_tables_of_its_own_in_staging(database: PostgresSettings):
    query(database, "etl", "CREATE TABLE staging.some_table (id int)")
    assert query(database, "etl", "SELECT * FROM staging.some_table") == []


def test_the_dashboards_see_tables_of_later_migrations(database: PostgresSettings, sql: Sql):
    sql("CREATE VIEW curated.later AS SELECT 1 AS one")
    assert query(database, "bi_readonly", "SELECT * FROM curated.later") == [(1,)]


@pytest.mark.parametrize(
    ("role", "statement"),
    [
        ("ingest", "UPDATE raw.orders SET quantity = 1"),
        ("ingest", "DELETE FROM raw.orders"),
        ("ingest", "TRUNCATE raw.orders"),
        ("ingest", "DELETE FROM curated.fact_orders"),
        ("ingest", "UPDATE curated.dim_customers SET name = 'x'"),
        ("ingest", "CREATE TABLE raw.mine (id int)"),
        ("ingest", "DELETE FROM ops.dlq_events"),
        ("ingest", "INSERT INTO staging.fact_orders DEFAULT VALUES"),
        ("ingest", "UPDATE ops.batch_runs SET gated_at = now()"),
        ("ingest", "INSERT INTO ops.quality_exceptions DEFAULT VALUES"),
        ("etl", "INSERT INTO raw.orders DEFAULT VALUES"),
        ("etl", "UPDATE raw.orders SET quantity = 1"),
        ("etl", "DROP TABLE curated.fact_orders"),
        ("bi_readonly", "UPDATE curated.fact_orders SET quantity = 1"),
        ("bi_readonly", "INSERT INTO curated.dim_customers DEFAULT VALUES"),
        ("bi_readonly", "INSERT INTO ops.quality_exceptions DEFAULT VALUES"),
        ("bi_readonly", "CREATE TABLE curated.mine (id int)"),
        ("bi_readonly", "CREATE TABLE public.mine (id int)"),
        ("bi_readonly", "CREATE SCHEMA mine"),
    ],
)
def test_a_role_writes_nothing_that_is_not_its_own(database: PostgresSettings, role: Role, statement: str):
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        query(database, role, statement)


def test_no_role_is_more_than_a_login(sql: Sql):
    rows = sql(
        "SELECT rolname FROM pg_roles WHERE rolname = ANY(%s) AND rolcanlogin AND NOT (rolsuper"
        " OR rolcreatedb OR rolcreaterole OR rolreplication OR rolbypassrls) ORDER BY 1",
        list(LOGIN_ROLES),
    )
    assert [name for (name,) in rows] == sorted(LOGIN_ROLES)


@pytest.mark.parametrize("role", ["admin", *LOGIN_ROLES])
@pytest.mark.parametrize("password", ["", "the role's name", "postgres", "password", "changeme"])
def test_no_default_password(server: PostgresSettings, role: Role, password: str):
    user = server.user(role)
    guess = user if password == "the role's name" else password
    with pytest.raises(
        psycopg2.OperationalError, match=r"password authentication failed|no password supplied"
    ):
        psycopg2.connect(
            host=server.host,
            port=server.port,
            dbname=server.database,
            user=user,
            password=guess,
            passfile="/dev/null",
        )


def test_passwords_are_stored_as_scram_and_differ(sql: Sql, server: PostgresSettings):
    stored = sql("SELECT rolpassword FROM pg_authid WHERE rolname = ANY(%s)", list(LOGIN_ROLES))
    assert [text.split("$")[0] for (text,) in stored] == ["SCRAM-SHA-256"] * len(LOGIN_ROLES)
    roles: tuple[Role, ...] = ("admin", *LOGIN_ROLES)
    passwords = {server.password(role) for role in roles}
    assert len(passwords) == len(roles)
    assert min(len(password) for password in passwords) >= 16


def test_a_changed_reference_changes_the_password(server: PostgresSettings, tmp_path: Path):
    secret = tmp_path / "etl"
    secret.write_text("another-long-password\n", encoding="utf-8")
    changed = server.model_copy(update={"etl_password_ref": f"file:{secret}"})
    try:
        migrate(changed)
        assert query(changed, "etl", "SELECT 1") == [(1,)]
        with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
            query(server, "etl", "SELECT 1")
    finally:
        migrate(server)
