"""Connections to the warehouse, one role each."""

import psycopg2
from psycopg2.extensions import connection as Connection
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_exponential_jitter

from pipeline.settings import PostgresSettings, Role

CONNECT_TIMEOUT_S = 5
GIVE_UP_AFTER_S = 60

# Writers of curated.fact_orders share this advisory lock; the batch takes it exclusively to publish.
WRITERS_LOCK = 7_310_001


class DatabaseUnavailable(ConnectionError):
    """PostgreSQL did not answer within the retries; the message is one line."""


def connect(settings: PostgresSettings, role: Role, application: str = "ecom") -> Connection:
    """Open one connection without retrying; raise psycopg2.OperationalError if it fails."""
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
        cause = str(error).strip().splitlines()[-1]
        raise DatabaseUnavailable(f"PostgreSQL at {where} is not available: {cause}") from None
