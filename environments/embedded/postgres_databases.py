"""The databases on the server: the warehouse, and Airflow's metadata with a role of its own."""

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor
from psycopg2.extensions import encrypt_password

from environments.embedded import postgres, secret_files
from environments.embedded.home import Home
from environments.embedded.ports import HOST
from infra.config import PlatformConfig
from infra.databases import ensure_database

# Kept in the very database that it speaks of, so that it can't outlive it.
_MIGRATED_BY = "migrated by apache-airflow "


@contextmanager
def _admin(home: Home, port: int) -> Iterator[Cursor]:
    connection = postgres.connect(home, port)
    connection.autocommit = True  # CREATE DATABASE refuses to run in a transaction
    try:
        with connection.cursor() as cursor:
            yield cursor
    finally:
        connection.close()


def create_warehouse(home: Home, config: PlatformConfig, port: int) -> None:
    """Create the configured database unless it is there."""
    with _admin(home, port) as cursor:
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (config.postgres.database,))
        if cursor.fetchone() is None:
            database, owner = sql.Identifier(config.postgres.database), sql.Identifier(postgres.ADMIN)
            cursor.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(database, owner))


def ensure_airflow(home: Home, port: int) -> None:
    """Create Airflow's role and database unless they are there, and set the role's password."""
    password = secret_files.read_secret(home, secret_files.AIRFLOW_DATABASE)
    with _admin(home, port) as cursor:
        verifier = encrypt_password(password, postgres.AIRFLOW, cursor.connection, "scram-sha-256")
        ensure_database(cursor, postgres.AIRFLOW, verifier)


def airflow_url(home: Home, port: int) -> str:
    """Return SQLAlchemy's address of the metadata, password included: for a secret file only."""
    password = secret_files.read_secret(home, secret_files.AIRFLOW_DATABASE)
    return f"postgresql+psycopg2://{postgres.AIRFLOW}:{password}@{HOST}:{port}/{postgres.AIRFLOW}"


def airflow_migrated_by(home: Home, port: int) -> str:
    """Return the version of Airflow that last migrated the metadata; empty if none did."""
    with _admin(home, port) as cursor:
        cursor.execute(
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s",
            (postgres.AIRFLOW,),
        )
        found = cursor.fetchone()
    return str(found[0] or "").removeprefix(_MIGRATED_BY) if found else ""


def note_airflow_migrated(home: Home, port: int, version: str) -> None:
    """Remember, in the metadata database, which version of Airflow migrated it."""
    statement = sql.SQL("COMMENT ON DATABASE {} IS {}")
    note = sql.Literal(f"{_MIGRATED_BY}{version}")
    with _admin(home, port) as cursor:
        cursor.execute(statement.format(sql.Identifier(postgres.AIRFLOW), note))
