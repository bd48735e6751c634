"""scripts/aws_deploy.sh with stand-ins for what it calls: in which order, and when it goes no further."""

import os
import subprocess
from pathlib import Path

import pytest

from environments.aws.bundle import REPOSITORY

SCRIPT = REPOSITORY / "scripts" / "aws_deploy.sh"
PROGRAM = r"""#!/bin/sh
here="$(dirname "$0")"
echo "$(basename "$0") $*" >>"$here/calls"
case "$(basename "$0") $*" in
    "pulumi stack output --json"*) cat "$here/outputs" ;;
    "pulumi stack output image"*) echo 1.dkr.ecr.example.com/ecom:tag ;;
    "docker manifest"*) exit 1 ;;
    "docker login"* | python*) cat >/dev/null ;;
esac
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("pulumi", "docker", "aws", "python"):
        (tmp_path / name).write_text(PROGRAM)
        (tmp_path / name).chmod(0o755)
    (tmp_path / "calls").touch()
    return tmp_path


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PATH": f"{folder}:/usr/bin:/bin"}
    return subprocess.run(["bash", str(SCRIPT), *words], env=env, capture_output=True, text=True, check=False)


def step(call: str) -> str:
    """Return what a call changes, in a word or two; empty if nothing."""
    if call.startswith("pulumi up"):
        return "up setup alone" if "--target **::ecom-*-setup*" in call else "up"
    if call.startswith("docker push"):
        return "push"
    return call.removeprefix("python -m environments.aws.run_") if call.startswith("python") else ""


def steps(folder: Path) -> list[str]:
    return [found for found in map(step, (folder / "calls").read_text().splitlines()) if found]


def test_a_new_stack_is_made_before_its_image(folder: Path):
    (folder / "outputs").write_text("{}")
    assert run(folder, "aws").returncode == 0
    assert steps(folder) == ["up", "push", "task setup", "task dashboards"]


def test_in_an_update_migrations_go_ahead(folder: Path):
    (folder / "outputs").write_text('{\n  "image": "1.dkr/ecom:old"\n}')
    assert run(folder, "aws").returncode == 0
    assert steps(folder) == ["up setup alone", "push", "task migrate", "up", "task setup", "task dashboards"]


def test_a_backend_that_does_not_answer_is_no_new_stack(folder: Path):
    (folder / "outputs").unlink(missing_ok=True)  # and so the stand-in fails
    assert run(folder, "aws").returncode != 0
    assert steps(folder) == []


@pytest.mark.parametrize("words", [(), ("aws", "now")])
def test_what_it_wants_is_told(words, folder: Path):
    done = run(folder, *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "usage: scripts/aws_deploy.sh STACK, e.g. aws (docs/aws.md)\n"
