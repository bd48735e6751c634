"""One stack for all tests of this folder; they run in order, and each leaves it up and healthy."""

from collections.abc import Iterator

import pytest

from tests.stack.world import NAME, World, copy_repository, left_over


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    before = left_over()
    assert not any(before.values()), f"an earlier run left something behind; remove it first: {before}"
    folder = tmp_path_factory.mktemp("stack")
    world = World(copy_repository(folder / "clone"), folder / "state")
    yield world
    if (world.state / NAME).exists():
        world.ecom("down", "--wipe", "--yes")
    print("\nseconds:", world.seconds)  # noqa: T201 - the figures are half of what the run is for
