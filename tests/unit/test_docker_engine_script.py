"""`scripts/docker_engine.sh env`: where the engine is, or an exit code that says that there is none."""

import subprocess
from pathlib import Path

import pytest

from environments.embedded.home import REPOSITORY

DOCKER = """#!/bin/sh
case "$*" in
    *version*) test -e "$(dirname "$0")/answers" ;;
    "context inspect"*) echo unix:///home/somebody/.docker/desktop.sock ;;
esac
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "docker").write_text(DOCKER)
    (tmp_path / "docker").chmod(0o755)
    return tmp_path


def run(folder: Path, **env: str) -> subprocess.CompletedProcess[str]:
    told = {"PATH": f"{folder}:/usr/bin:/bin", "ECOM_DOCKER_ROOT": str(folder / "root")} | env
    script = str(REPOSITORY / "scripts" / "docker_engine.sh")
    return subprocess.run([script, "env"], env=told, capture_output=True, text=True, check=False)


def test_it_is_where_the_docker_commands_context_says(folder):
    (folder / "answers").touch()
    assert run(folder).stdout == "DOCKER_HOST=unix:///home/somebody/.docker/desktop.sock\n"
    assert run(folder, DOCKER_HOST="tcp://there:2375").stdout == "DOCKER_HOST=tcp://there:2375\n"


def test_where_none_answers_it_fails(folder):
    done = run(folder)
    assert (done.returncode, done.stdout) == (1, "")
    assert "no Docker Engine answers" in done.stderr
