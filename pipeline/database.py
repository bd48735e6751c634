"""Connections to the warehouse, one role each."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2
from psycopg2.errors import UndefinedTable
from psycopg2.extensions import connection as Connection
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_exponential_jitter

from pipeline.secret_values import refused
from pipeline.settings import PostgresSettings, Role

CONNECT_TIMEOUT_S = 5
GIVE_UP_AFTER_S = 60

# SQLSTATEs of a server that ends or refuses connections; a connection that just breaks has none.
_GONE = ("57P", "08")


class DatabaseUnavailable(ConnectionError):
    """PostgreSQL did not answer, went away, or lacks our tables; the message is one line."""


@contextmanager
def database_in_words() -> Iterator[None]:
    """Raise DatabaseUnavailable for what an operator can mend: a server that goes away or is not migrated.

    For programs, around everything they do; what wants to try again catches psycopg2's own errors inside.
    """
    try:
        yield
    except UndefinedTable as error:
        cure = "(`python -m pipeline.migrate` does it, and `ecom up`)"
        raise DatabaseUnavailable(f"the database is not migrated: {first_line(error)} {cure}") from None
    except (psycopg2.OperationalError, psycopg2.InterfaceError) as error:
        # "connection already closed", on the way out of a block, is not what happened first.
        first = error.__context__ if isinstance(error.__context__, psycopg2.OperationalError) else error
        code = first.pgcode or "08"
        what = "the connection to PostgreSQL was lost" if code.startswith(_GONE) else "PostgreSQL"
        raise DatabaseUnavailable(f"{what}: {first_line(first)}") from None


def first_line(error: psycopg2.Error) -> str:
    """Return what happened, without the library's guesses and its pointer into the statement."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def connect(settings: PostgresSettings, role: Role, application: str = "ecom") -> Connection:
    """Open one connection; raise psycopg2.OperationalError if it fails; a rotated password is asked for."""
    try:
        return _open(settings, role, application)
    except psycopg2.OperationalError as error:
        if "authentication failed" in str(error) and refused(settings.password_reference(role)):
            return _open(settings, role, application)
        raise


def _open(settings: PostgresSettings, role: Role, application: str) -> Connection:
    return psycopg2.connect(
        host=settings.host,
        port=settings.port,
        dbname=settings.database,
        user=settings.user(role),
        password=settings.password(role),
        sslmode=settings.sslmode,
        sslrootcert=settings.sslrootcert or None,
        application_name=application,
        connect_timeout=CONNECT_TIMEOUT_S,
        # A server that vanished in the middle of a statement says nothing; Linux alone would wait for hours.
        keepalives_idle=10,
        keepalives_interval=5,
        keepalives_count=3,
        tcp_user_timeout=30_000,
        options="-c timezone=UTC",
    )


def connect_patiently(
    settings: PostgresSettings,
    role: Role,
    application: str = "ecom",
    give_up_after_s: float = GIVE_UP_AFTER_S,
) -> Connection:
    """Open a connection, retrying with back-off while the server is away.

    Raises DatabaseUnavailable with one clear line when it stays away.
    """
    attempt = retry(
        retry=retry_if_exception_type(psycopg2.OperationalError),
        wait=wait_exponential_jitter(multiplier=0.2, max=5),
        stop=stop_after_delay(give_up_after_s),
        reraise=True,
    )(connect)
    try:
        return attempt(settings, role, application)
    except psycopg2.OperationalError as error:
        where = f"{settings.host}:{settings.port}/{settings.database} as {settings.user(role)}"
        raise DatabaseUnavailable(f"PostgreSQL at {where} is not available: {first_line(error)}") from None
