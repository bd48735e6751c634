"""A moto server for each module, and Pulumi's programs from toolchain/ or PATH."""

import logging
import os
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

import httpx
import pytest
from moto.server import ThreadedMotoServer

from tests.aws_provider.project import REGION, Project
from tests.aws_stack.leftovers import Account
from toolchain.choice import find
from toolchain.pins import cache

_NEEDED = ("pulumi", "pulumi-language-python", "pulumi-resource-random")
MakeProject = Callable[..., Project]


def official_plugin() -> Path | None:
    """Return the folder of the official plugin of our SDK's version, where Pulumi keeps it."""
    home = Path(os.environ.get("PULUMI_HOME") or Path.home() / ".pulumi")
    folder = home / "plugins" / f"resource-aws-v{version('pulumi-aws')}"
    return folder if (folder / "pulumi-resource-aws").exists() else None


def pytest_report_header() -> str:
    """Say which of the two plugins is used."""
    found = official_plugin()
    also = (
        f"and for the parts that moto has the official one, {found}"
        if found
        else "the official one is not there"
    )
    return f"AWS plugin: the tests' own for the whole stack, {also}"


@pytest.fixture(scope="session")
def toolchain() -> Path:
    """The folder with Pulumi's programs; those on PATH need none."""
    missing = [item.tool.name for item in find(cache()) if item.tool.name in _NEEDED and item.path is None]
    if missing:
        reason = f"no {', '.join(missing)}: install Pulumi, or run `make toolchain`"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return cache()


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="class")
def account(endpoint: str) -> Account:
    """An empty account, asked without the provider. moto's is this process's own, whatever the server."""
    httpx.post(f"{endpoint}/moto-api/reset").raise_for_status()
    return Account(endpoint, REGION)


@pytest.fixture(scope="module")
def make_project(endpoint: str, toolchain: Path, tmp_path_factory: pytest.TempPathFactory) -> MakeProject:
    def make(stack: str = "aws", official: Path | None = None, **config: str) -> Project:
        return Project(tmp_path_factory.mktemp(stack), endpoint, toolchain, stack, config, official)

    return make
