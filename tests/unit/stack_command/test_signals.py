"""A signal ends a stack's command in order, as a lost SSH session or a service manager sends it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cli.stack.program import REPOSITORY
from tests.unit.stack_command.stand_in import PROGRAM, calls

PYTHON = sys.executable  # before a test says that it is another
ENDING = pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])


def run(*words: str) -> subprocess.CompletedProcess[str]:
    env = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    return subprocess.run([PYTHON, *words], env=env, check=False, capture_output=True, text=True)


def let(bin_folder: Path, program: str, when: str, do: str) -> None:
    """Let a stand-in do this first, where it is called with such words."""
    first, rest = PROGRAM.split("\n", 1)
    (bin_folder / program).write_text(f'{first}\ncase "$*" in {when}) {do} ;; esac\n{rest}')


@ENDING
def test_in_a_backup_it_starts_what_it_stopped(number, stack_is_up, tmp_path):
    let(stack_is_up, "docker", "*-czf*", f"kill -{int(number)} $PPID; exec sleep 5")
    done = run("-m", "cli", "--stack", "t", "backup", str(tmp_path / "b"))
    assert done.returncode == 128 + number, done.stderr
    started = [call.split()[-1] for call in calls(stack_is_up, "docker") if " start " in call]
    assert started == ["ecom-t-postgres", "ecom-t-stream"]
    assert not [path for path in tmp_path.iterdir() if path.name.startswith("b.")]


@ENDING
def test_what_is_being_stopped_is_started_after_that(number, stack_is_up, tmp_path):
    """A start before the stop's end changes nothing, and then it stops."""
    noted = 'echo "docker stopped" >>"$(dirname "$0")/calls"'
    let(stack_is_up, "docker", "stop*", f"kill -{int(number)} $PPID; sleep 0.5; {noted}")
    done = run("-m", "cli", "--stack", "t", "backup", str(tmp_path / "b"))
    assert done.returncode == 128 + number, done.stderr
    after = ["docker stopped", "docker start ecom-t-postgres", "docker start ecom-t-stream"]
    assert [call for call in calls(stack_is_up, "docker") if call in after] == after


@ENDING
def test_pulumi_is_asked_to_end_and_waited_for(number, stack_is_up):
    """A terminal that goes away tells Pulumi as well, which would end at once, with its lock left."""
    asked = 'echo "pulumi asked" >>"$(dirname "$0")/calls"; exit 1'
    wait = "for _ in 1 2 3 4 5 6 7 8 9; do sleep 0.2; done"
    do = f"trap '{asked}' TERM; kill -HUP $$; kill -{int(number)} $PPID; {wait}; exit 0"
    let(stack_is_up, "pulumi", "up*", do)
    done = run("-m", "cli", "--stack", "t", "up")
    assert done.returncode == 128 + number, done.stderr
    assert calls(stack_is_up)[-1] == "pulumi asked"


@ENDING
def test_it_takes_the_files_along(number, stack_is_up, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    program = "import os, signal; from cli.context import use_platform; use_platform();"
    program += f"assert list(__import__('pathlib').Path({str(tmp_path)!r}).glob('ecom-stack-*'));"
    program += f"os.kill(os.getpid(), {int(number)}); signal.pause()"
    done = run("-c", program)
    assert done.returncode == 128 + number, done.stderr
    assert not list(tmp_path.glob("ecom-stack-*"))
