"""What tests on the real processes share: one PostgreSQL and one Kafka per session."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest

from environments import embedded
from environments.embedded.ports import any_free
from infra.platform import Platform

# Tests start many JVMs that live for seconds: without its second compiler each takes a third of the CPU less.
os.environ["JDK_JAVA_OPTIONS"] = "-XX:TieredStopAtLevel=1"

SMALL = """
[postgres]
port = {postgres}
shared_buffers_mb = 128
[kafka]
port = {kafka}
heap_mb = 384
cleaned_topic = true
"""


@pytest.fixture(autouse=True)
def _no_variables_for_the_next_test() -> Iterator[None]:
    # A command run inside the test's process sets variables for what it starts; the next test has its own.
    with mock.patch.dict(os.environ):
        yield


def make_home() -> Path:
    """Make an empty folder that PostgreSQL's system user may pass through, unlike pytest's own."""
    base = Path(tempfile.mkdtemp(prefix="ecom-test-"))
    base.chmod(0o711)
    return base / "home"


def write_config(folder: Path) -> Path:
    """Write a small configuration with ports that are not the usual ones, which an `ecom up` may hold."""
    path = folder / "ecom.toml"
    path.write_text(SMALL.format(postgres=any_free(), kafka=any_free()), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def embedded_home() -> Iterator[embedded.Home]:
    """The home of the session's PostgreSQL and Kafka, for tests that look at or kill one of them."""
    home = embedded.Home(make_home())
    yield home
    embedded.stop(home)
    shutil.rmtree(home.root.parent)


@pytest.fixture(scope="session")
def platform(embedded_home: embedded.Home) -> Iterator[Platform]:
    """A migrated PostgreSQL and a Kafka with its topics; no streaming job: tests start their own."""
    config = write_config(embedded_home.root.parent)
    with embedded.running(embedded_home.root, config, services=("postgres", "kafka")) as running:
        yield running


@pytest.fixture
def platform_env(platform: Platform, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, str]:
    """The platform's variables, set for this test and returned for its subprocesses."""
    # Or an `ecom up` in this clone would be compared with them, and that be told.
    monkeypatch.setenv("ECOM_HOME", str(tmp_path / "nobody"))
    variables = platform.as_env()
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return variables
