"""The real PostgreSQL behind the databases that were added: connection tests and the cards' queries."""

import datetime
import decimal
import time
import uuid
from contextlib import closing
from typing import Any

import psycopg2

_MOST_ROWS = 2000
_BASE_TYPES = {
    16: "type/Boolean", 20: "type/BigInteger", 21: "type/Integer", 23: "type/Integer", 700: "type/Float",
    701: "type/Float", 1082: "type/Date", 1114: "type/DateTime", 1184: "type/DateTimeWithTZ",
    1700: "type/Decimal", 2950: "type/UUID",
}  # fmt: skip


def connect(details: dict[str, Any]) -> Any:
    """Open a connection with stored details; raises psycopg2.OperationalError."""
    return psycopg2.connect(
        host=details.get("host"),
        port=details.get("port") or 5432,
        dbname=details.get("dbname"),
        user=details.get("user"),
        password=details.get("password") or "",
        sslmode=details.get("ssl-mode", "require") if details.get("ssl") else "disable",
        sslrootcert=_certificates(details),
        connect_timeout=5,
        application_name="metabase-stand-in",
    )


def _certificates(details: dict[str, Any]) -> str | None:
    """Return the file that is named; a Metabase that is told none looks for its driver's default, in vain."""
    if not details.get("ssl") or not str(details.get("ssl-mode")).startswith("verify-"):
        return None
    local = details.get("ssl-root-cert-options") == "local"
    return str(details.get("ssl-root-cert-path")) if local else "/nonexistent/.postgresql/root.crt"


def connection_error(details: dict[str, Any]) -> str | None:
    """Return why no connection can be made, None if one can."""
    try:
        connect(details).close()
    except (psycopg2.Error, UnicodeError) as error:
        return " ".join(str(error).split())
    return None


def run(details: dict[str, Any], database_id: int, sql: str) -> dict[str, Any]:
    """Return the body of a query's answer: `completed` with rows, or `failed` with the error."""
    started = time.monotonic()
    try:
        with closing(connect(details)) as connection, connection, connection.cursor() as cursor:
            cursor.execute(sql)
            columns = [_column(one) for one in cursor.description or ()]
            rows = [[_plain(value) for value in row] for row in cursor.fetchmany(_MOST_ROWS)]
    except psycopg2.Error as error:
        outcome = {"status": "failed", "error": str(error).strip(), "error_type": "invalid-query"}
        rows, columns = [], []
    else:
        outcome = {"status": "completed"}
    return outcome | {
        "database_id": database_id,
        "row_count": len(rows),
        "running_time": int((time.monotonic() - started) * 1000),
        "data": {"rows": rows, "cols": columns},
    }


def _column(description: Any) -> dict[str, str]:
    base_type = _BASE_TYPES.get(description.type_code, "type/Text")
    return {"name": description.name, "display_name": description.name, "base_type": base_type}


def _plain(value: Any) -> Any:
    if isinstance(value, decimal.Decimal):
        return float(value)
    if isinstance(value, datetime.datetime | datetime.date | datetime.time):
        return value.isoformat()
    return str(value) if isinstance(value, uuid.UUID | datetime.timedelta) else value
