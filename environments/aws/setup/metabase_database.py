"""Metabase's own database: on the warehouse's server, with a role that reaches nothing else."""

import json
import os
from collections.abc import Callable
from contextlib import closing

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import encrypt_password

from environments.aws.setup import METABASE, METABASE_PASSWORD

Fetch = Callable[[str], str]


def fetch(arn: str) -> str:
    """Return the password in a secret, which RDS keeps as JSON."""
    # Here, because only this task asks Secrets Manager without the pipeline's own code.
    import boto3

    client = boto3.client("secretsmanager", region_name=arn.split(":")[3])
    text: str = client.get_secret_value(SecretId=arn)["SecretString"]
    return str(json.loads(text)["password"]) if text.startswith("{") else text


def ensure_metabase(secret: Fetch = fetch) -> None:
    """Create role and database unless they are there, and set the role's password."""
    password, role = secret(os.environ[METABASE_PASSWORD]), sql.Identifier(METABASE)
    with closing(_connect(secret)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (METABASE,))
        if cursor.fetchone() is None:
            cursor.execute(sql.SQL("CREATE ROLE {} LOGIN").format(role))
        # The verifier is computed here, so that no statement or server log ever holds the password.
        verifier = encrypt_password(password, METABASE, connection, "scram-sha-256")
        cursor.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(role, sql.Literal(verifier)))
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (METABASE,))
        if cursor.fetchone() is None:
            # RDS's master is no superuser: it may give a database only to a role that it is a member of.
            cursor.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(role))
            cursor.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(role, role))
        # A database lets PUBLIC connect until somebody revokes it; the warehouse's migrations did.
        for database in (METABASE, "postgres", "template1"):
            revoke = sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC")
            cursor.execute(revoke.format(sql.Identifier(database)))


def _connect(secret: Fetch) -> Connection:
    variables = {name.removeprefix("ECOM_POSTGRES_"): value for name, value in os.environ.items()}
    connection = psycopg2.connect(
        host=variables["HOST"],
        port=variables["PORT"],
        dbname="postgres",
        user=variables["ADMIN_USER"],
        password=secret(variables["ADMIN_PASSWORD_REF"]),
        sslmode=variables["SSLMODE"],
        sslrootcert=variables["SSLROOTCERT"] or None,
        application_name="ecom-setup",
    )
    connection.autocommit = True  # CREATE DATABASE refuses to run in a transaction
    return connection
