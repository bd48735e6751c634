"""A page on a PostgreSQL of its own, which tests may stop, and a headless Chromium."""

import http.client
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from environments import embedded
from environments.embedded.ports import HOST, any_free
from infra.platform import Platform
from pipeline.database import connect
from pipeline.rebuild.publish import publish_from_raw
from pipeline.settings import PostgresSettings, from_variables
from producer.seed import SeedPlan, seed
from tests.conftest import make_home, write_config
from tests.waiting import until

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = (
    "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
    # Whatever the page might ask for elsewhere is not even looked up.
    f"--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE {HOST}",
)  # fmt: skip


@dataclass
class Stack:
    """PostgreSQL with some history, and the page's server."""

    folder: Path
    config: Path
    running: AbstractContextManager[Platform] | None = None
    port: int = field(default_factory=any_free)
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def postgres(self) -> PostgresSettings:
        return from_variables(PostgresSettings, self.variables)

    def start(self) -> None:
        self.running = embedded.running(self.folder / "home", self.config, services=("postgres",))
        self.variables = self.running.__enter__().as_env() | {"ECOM_DASHBOARDS_URL": self.url}

    def stop(self) -> None:
        if self.running:
            self.running.__exit__(None, None, None)
        self.running = None

    def rows(self, query: str) -> list[tuple]:
        with closing(connect(self.postgres, "admin", "tests")) as connection, connection.cursor() as cursor:
            cursor.execute(query)
            return cursor.fetchall()

    def answers(self) -> bool:
        connection = http.client.HTTPConnection(HOST, self.port, timeout=1)
        try:
            connection.request("GET", "/health")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    folder = make_home().parent
    made = Stack(folder, write_config(folder))
    try:
        made.start()
        seed(made.postgres, SeedPlan(customers=80, products=30, orders=3_000, days=45))
        publish_from_raw(made.postgres)
        log = (folder / "page.log").open("ab")
        page = subprocess.Popen(
            [sys.executable, "-m", "dashboards.page"],
            env=os.environ | made.variables,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            until(made.answers, "the page's server answers", (folder / "page.log").read_text, timeout_s=60)
            yield made
        finally:
            page.terminate()
            page.wait(10)
            log.close()
    finally:
        made.stop()
        shutil.rmtree(folder)


# Not the session's: while it lives its thread has an event loop, with which Flask refuses to work elsewhere.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        reason = f"none of {', '.join(BROWSERS)} is on PATH (Debian: apt-get install chromium)"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    sandbox = ("--no-sandbox",) if os.geteuid() == 0 else ()
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=found, args=[*ARGUMENTS, *sandbox])
        yield launched
        launched.close()
