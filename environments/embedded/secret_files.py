"""Generated passwords: one file per role, readable by their owner only."""

import base64
import secrets
from collections.abc import Callable
from pathlib import Path

from environments.embedded.errors import EnvironmentFailed
from environments.embedded.files import write_atomically
from environments.embedded.home import Home

ROLES = ("admin", "ingest", "etl", "bi_readonly")
AIRFLOW_ADMIN = "airflow_admin"
AIRFLOW_DATABASE = "airflow_database"
AIRFLOW_CONNECTION = "airflow_connection"
AIRFLOW_FERNET_KEY = "airflow_fernet_key"
AIRFLOW_JWT_SECRET = "airflow_jwt_secret"  # noqa: S105 - a file's name
AIRFLOW_SECRET_KEY = "airflow_secret_key"  # noqa: S105 - a file's name


def secret_file(home: Home, role: str) -> Path:
    """Return the file that holds a role's password."""
    return home.secrets / role


def reference(home: Home, role: str) -> str:
    """Return the reference that `as_env()` carries instead of the password."""
    return f"file:{secret_file(home, role)}"


def read_secret(home: Home, role: str) -> str:
    """Return a role's password."""
    return secret_file(home, role).read_text(encoding="utf-8").strip()


def ensure_secrets(home: Home, *, data_exists: bool) -> None:
    """Generate what is missing and change nothing that is there.

    A lost admin password can't be replaced while its database exists; the other roles' can, because every
    migration sets them anew.
    """
    home.secrets.mkdir(mode=0o700, parents=True, exist_ok=True)
    home.secrets.chmod(0o700)
    if data_exists and not secret_file(home, "admin").exists():
        raise EnvironmentFailed(
            f"{secret_file(home, 'admin')} is missing, but its database exists: put the file back, "
            "or start afresh with `ecom down --wipe`"
        )
    for role in ROLES:
        _ensure(home, role, _password)


def ensure_airflow(home: Home) -> None:
    """Generate Airflow's secrets where they are missing.

    A new fernet key can't read the connections that were stored under a lost one; nothing here stores any.
    """
    for name in (AIRFLOW_ADMIN, AIRFLOW_DATABASE):
        _ensure(home, name, _password)
    for name in (AIRFLOW_FERNET_KEY, AIRFLOW_JWT_SECRET, AIRFLOW_SECRET_KEY):
        _ensure(home, name, _key)


def _password() -> str:
    return secrets.token_urlsafe(24) + "\n"


def _key() -> str:
    # 32 bytes in URL-safe base 64 are what Fernet wants. No newline: Airflow takes a file's content as it is.
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


def _ensure(home: Home, name: str, make: Callable[[], str]) -> None:
    if not secret_file(home, name).exists():
        write_atomically(secret_file(home, name), make())
