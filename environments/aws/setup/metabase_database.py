"""Metabase's own database: on the warehouse's server, with a role that reaches nothing else."""

import json
import os
from collections.abc import Callable
from contextlib import closing

import psycopg2
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import encrypt_password

from environments.aws.setup import METABASE, METABASE_PASSWORD
from infra.databases import ensure_database

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
    password = secret(os.environ[METABASE_PASSWORD])
    with closing(_connect(secret)) as connection, connection.cursor() as cursor:
        ensure_database(cursor, METABASE, encrypt_password(password, METABASE, connection, "scram-sha-256"))


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
