"""What the command line does not import: seconds of start-up that `ecom --help` would pay for."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize("module", ["pyspark", "py4j"])
def test_the_command_line_starts_without_spark(module: str):
    code = f"import sys, cli.main; raise SystemExit({module!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
