"""The Docker environment's benchmark, where it fails."""

from pathlib import Path

import pytest

from benchmarks import local_stack
from tests.stack.world import World


def test_what_went_wrong_is_told_and_not_what_could_not_be_removed_afterwards(monkeypatch, tmp_path: Path):
    docker = tmp_path / "docker"
    docker.write_text("#!/bin/sh\nexit 1\n")
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    def fail(*_: object) -> float:
        raise RuntimeError("the build failed")

    removed: list[tuple[str, ...]] = []
    monkeypatch.setattr(local_stack, "_has_docker", lambda: True)
    monkeypatch.setattr(local_stack, "REPOSITORY", tmp_path)
    monkeypatch.setattr(local_stack, "copy_repository", lambda target: target)
    monkeypatch.setattr(local_stack, "_build", fail)
    monkeypatch.setattr(World, "ecom", lambda self, *words: removed.append(words))
    script = tmp_path / "tests/stack/images/build.sh"
    script.parent.mkdir(parents=True)
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    with pytest.raises(RuntimeError, match="the build failed"):
        local_stack.run()
    assert removed == [("down", "--wipe", "--yes")]
