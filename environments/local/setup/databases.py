"""The databases beside the warehouse, with passwords from files."""

import os
from contextlib import closing
from pathlib import Path

import psycopg2
from psycopg2.extensions import encrypt_password

from infra.databases import ensure_database


def ensure(name: str, password_file: str) -> None:
    """Create role and database of that name unless they are there, and set the role's password."""
    password = Path(password_file).read_text(encoding="utf-8")
    with closing(_connect()) as connection, connection.cursor() as cursor:
        ensure_database(cursor, name, encrypt_password(password, name, connection, "scram-sha-256"))


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
