"""Bring the warehouse to the newest schema and set the roles' passwords: `python -m pipeline.migrate`."""

from pathlib import Path

import sqlalchemy
from alembic import command
from alembic.config import Config
from psycopg2 import sql
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import encrypt_password

from pipeline.console import run
from pipeline.database import connect, connect_patiently
from pipeline.settings import PostgresSettings, Role, load

LOGIN_ROLES: tuple[Role, ...] = ("ingest", "etl", "bi_readonly")
MIGRATIONS = Path(__file__).parent / "migrations"


def migrate(settings: PostgresSettings) -> None:
    """Apply every missing migration, then set each role's password from its reference.

    Safe to call at every start. Raises DatabaseUnavailable or SecretError.
    """
    connection = connect_patiently(settings, "admin", "ecom-migrate")
    try:
        _upgrade(settings)
        _set_passwords(connection, settings)
        connection.commit()
    finally:
        connection.close()


def _upgrade(settings: PostgresSettings) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    engine = sqlalchemy.create_engine(
        "postgresql+psycopg2://",
        creator=lambda: connect(settings, "admin", "ecom-migrate"),
        poolclass=sqlalchemy.NullPool,
    )
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _set_passwords(connection: Connection, settings: PostgresSettings) -> None:
    with connection.cursor() as cursor:
        for role in LOGIN_ROLES:
            # The verifier is computed here, so that no statement or server log ever holds the password.
            verifier = encrypt_password(settings.password(role), role, connection, "scram-sha-256")
            statement = sql.SQL("ALTER ROLE {} PASSWORD {}").format(
                sql.Identifier(role), sql.Literal(verifier)
            )
            cursor.execute(statement)


def main() -> None:
    """Migrate the database named by the environment's variables."""
    migrate(load(PostgresSettings))


if __name__ == "__main__":
    run(main)
