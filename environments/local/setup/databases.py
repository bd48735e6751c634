"""Databases beside the warehouse, on the same server, each with a role that reaches nothing else."""

import os
from contextlib import closing
from pathlib import Path

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import encrypt_password


def ensure_database(name: str, password_file: str) -> None:
    """Create role and database of that name unless they are there, and set the role's password."""
    password = Path(password_file).read_text(encoding="utf-8")
    role = sql.Identifier(name)
    with closing(_connect()) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (name,))
        if cursor.fetchone() is None:
            cursor.execute(sql.SQL("CREATE ROLE {} LOGIN").format(role))
        # The verifier is computed here, so that no statement or server log ever holds the password.
        verifier = encrypt_password(password, name, connection, "scram-sha-256")
        cursor.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(role, sql.Literal(verifier)))
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,))
        if cursor.fetchone() is None:
            cursor.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(role, role))
        # A database lets PUBLIC connect until somebody revokes it; the warehouse's migrations did.
        for database in (name, "postgres", "template1"):
            revoke = sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC")
            cursor.execute(revoke.format(sql.Identifier(database)))


def _connect() -> psycopg2.extensions.connection:
    variables = {name.removeprefix("ECOM_POSTGRES_"): value for name, value in os.environ.items()}
    connection = psycopg2.connect(
        host=variables["HOST"],
        port=variables["PORT"],
        dbname="postgres",
        user=variables["ADMIN_USER"],
        password=Path(variables["ADMIN_PASSWORD_REF"].removeprefix("file:")).read_text(encoding="utf-8"),
        sslmode=variables["SSLMODE"],
        application_name="ecom-setup",
    )
    connection.autocommit = True  # CREATE DATABASE refuses to run in a transaction
    return connection
