"""One stack for all tests of this folder; they run in order, and each leaves it up and healthy.

ECOM_TEST_STACK_KEEP names a folder to keep the stack in: the next run, of some tests only, goes on with it.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stack.world import NAME, World, copy_repository, left_over

_KEEP = os.environ.get("ECOM_TEST_STACK_KEEP")
_SECONDS = pytest.StashKey[dict[str, float]]()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Tell how long what took, which is half of what the run is for."""
    for name, seconds in config.stash.get(_SECONDS, {}).items():
        terminalreporter.write_line(f"{seconds:8.1f} s  {name}")


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[World]:
    folder = Path(_KEEP) if _KEEP else tmp_path_factory.mktemp("stack")
    world = World(folder / "clone", folder / "state")
    pytestconfig.stash[_SECONDS] = world.seconds
    if not (_KEEP and world.clone.exists()):
        before = left_over()
        assert not any(before.values()), f"an earlier run left something behind; remove it first: {before}"
        copy_repository(world.clone)
    yield world
    if not _KEEP and (world.state / NAME).exists():
        world.must("down", "--wipe", "--yes")
