"""Generated passwords: one file per role, readable by their owner only."""

import secrets
from pathlib import Path

from environments.embedded.errors import EnvironmentFailed
from environments.embedded.files import write_atomically
from environments.embedded.home import Home

ROLES = ("admin", "ingest", "etl", "bi_readonly")


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
        if not secret_file(home, role).exists():
            write_atomically(secret_file(home, role), secrets.token_urlsafe(24) + "\n")
