"""A database beside the warehouse, made by a superuser as in a container, or by a master as RDS has one."""

from collections.abc import Iterator
from contextlib import closing

import psycopg2
import pytest
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import encrypt_password

from infra.databases import ensure_database
from pipeline.database import connect
from pipeline.settings import PostgresSettings

NAME, MASTER = "tests_beside", "tests_master"


def log_in(server: PostgresSettings, user: str, password: str, database: str) -> "closing[Connection]":
    return closing(
        psycopg2.connect(host=server.host, port=server.port, user=user, password=password, dbname=database)
    )


@pytest.fixture
def admin(server: PostgresSettings) -> Iterator[Connection]:
    with closing(connect(server, "admin", "tests")) as connection:
        connection.autocommit = True
        yield connection
        cursor = connection.cursor()
        cursor.execute(f"DROP DATABASE IF EXISTS {NAME} WITH (FORCE)")
        cursor.execute(f"DROP ROLE IF EXISTS {NAME}")
        cursor.execute(f"DROP ROLE IF EXISTS {MASTER}")


@pytest.fixture(params=["superuser", "master"])
def maker(
    request: pytest.FixtureRequest, admin: Connection, server: PostgresSettings
) -> Iterator[Connection]:
    if request.param == "superuser":
        yield admin
        return
    admin.cursor().execute(f"CREATE ROLE {MASTER} LOGIN CREATEROLE CREATEDB PASSWORD 'of-a-test'")
    admin.cursor().execute(f"GRANT CONNECT ON DATABASE {server.database} TO {MASTER}")
    owned_by(admin, MASTER)
    with log_in(server, MASTER, "of-a-test", server.database) as connection:
        connection.autocommit = True
        yield connection
    admin.cursor().execute(f"DROP DATABASE IF EXISTS {NAME} WITH (FORCE)")
    admin.cursor().execute(f"DROP ROLE {NAME}")
    owned_by(admin, server.admin_user)
    admin.cursor().execute(f"DROP OWNED BY {MASTER}")


def owned_by(admin: Connection, role: str) -> None:
    """Give the server's own databases to a role: on RDS they are the master's."""
    for database in ("postgres", "template1"):
        admin.cursor().execute(f"ALTER DATABASE {database} OWNER TO {role}")


def test_its_role_owns_it_and_reaches_nothing_else_with_the_latest_password(
    maker: Connection, server: PostgresSettings
):
    for password in ("first", "second", "second"):
        ensure_database(maker.cursor(), NAME, encrypt_password(password, NAME, maker, "scram-sha-256"))
    with log_in(server, NAME, "second", NAME) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE mine AS SELECT 42 AS answer")
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        log_in(server, NAME, "first", NAME)
    with pytest.raises(psycopg2.OperationalError, match="permission denied for database"):
        log_in(server, NAME, "second", server.database)
    with pytest.raises(psycopg2.OperationalError, match="permission denied for database"):
        connect(server.model_copy(update={"database": NAME}), "bi_readonly")


@pytest.mark.parametrize("name", ["", "Airflow", 'a"b', "a b", "1a"])
def test_a_name_that_needs_quotes_is_refused(name: str, admin: Connection):
    with pytest.raises(ValueError, match="allowed are a-z, 0-9 and _"):
        ensure_database(admin.cursor(), name, "")
