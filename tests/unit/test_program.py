"""Pulumi's program where no engine has started it, as an old Python host does for a policy pack."""

import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]


def test_it_says_why_and_asks_nothing_of_docker():
    command = [sys.executable, str(REPOSITORY / "__main__.py"), "127.0.0.1:1"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith(
        "error: Pulumi's program was started without Pulumi's engine. If that was with --po"
    )
    assert done.stderr.count("\n") == 1
