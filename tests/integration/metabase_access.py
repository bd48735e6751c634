"""How tests reach a stand-in for Metabase: the account that sets it up, a provisioner, and by hand."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from dashboards.metabase.provision import Provisioner
from dashboards.metabase.render import render
from dashboards.spec_files import load as load_spec
from pipeline.settings import MetabaseSettings, PostgresSettings


def settings_for(url: str, folder: Path) -> MetabaseSettings:
    """Return an account whose password lies in the folder; Metabase sees the warehouse where we do."""
    secret = folder / "metabase_admin"
    secret.write_text("correct-horse-1\n")
    return MetabaseSettings(
        url=url,
        admin_email="admin@example.com",
        admin_password_ref=f"file:{secret}",
        postgres_host="",
        postgres_port=0,
        postgres_sslrootcert="",
    )


def provisioner_for(settings: MetabaseSettings, database: PostgresSettings) -> Provisioner:
    """Return what brings the repository's own dashboards to the stand-in."""
    return Provisioner(settings, database, render(load_spec(), settings, database), wait_s=10)


@contextmanager
def logged_in(settings: MetabaseSettings) -> Iterator[httpx.Client]:
    """Open an administrator's session."""
    with httpx.Client(base_url=settings.url, trust_env=False) as client:
        who = {"username": settings.admin_email, "password": settings.admin_password()}
        client.headers["X-Metabase-Session"] = client.post("/api/session", json=who).json()["id"]
        yield client
