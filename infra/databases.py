"""Databases beside the warehouse, on the same server, each with a role that reaches nothing else.

Which driver connects, and where the password is kept, is the environment's to know: `ensure_database` takes a
cursor, and the password as PostgreSQL keeps it.
"""

import re
from typing import Protocol

_PLAIN = re.compile(r"[a-z][a-z0-9_]*")
_OPEN_TO_ALL = ("postgres", "template1")


class Cursor(Protocol):
    """What is used of a DB-API cursor whose parameters are written `%s`; its connection commits by itself."""

    def execute(self, query: str, values: tuple[str, ...] = ...) -> object:
        """Run a statement."""

    def fetchone(self) -> tuple[object, ...] | None:
        """Return the next row."""


def ensure_database(cursor: Cursor, name: str, verifier: str) -> None:
    """Create role and database of that name unless they are there, and set the role's password.

    `verifier` is the password's SCRAM-SHA-256 verifier, so that no statement or server log ever holds the
    password. Raises ValueError for a name that would need quotes.
    """
    if not _PLAIN.fullmatch(name):
        raise ValueError(f"{name!r} can't name a role and a database: allowed are a-z, 0-9 and _")
    cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (name,))
    if cursor.fetchone() is None:
        cursor.execute(f"CREATE ROLE {name} LOGIN")
    cursor.execute(f"ALTER ROLE {name} PASSWORD %s", (verifier,))
    cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,))
    if cursor.fetchone() is None:
        # RDS's master is no superuser: it may give a database only to a role that it is a member of.
        cursor.execute(f"GRANT {name} TO CURRENT_USER")
        cursor.execute(f"CREATE DATABASE {name} OWNER {name}")
    # A database lets PUBLIC connect until somebody revokes it; the warehouse's migrations did.
    for database in (name, *_OPEN_TO_ALL):
        cursor.execute(f"REVOKE ALL ON DATABASE {database} FROM PUBLIC")
