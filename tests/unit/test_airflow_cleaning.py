"""Airflow's cleaning: the very script that the container runs, on a folder of the test's."""

import os
import subprocess
import time
from pathlib import Path

import pytest

from environments.local import airflow_cleaning
from infra.config import AirflowConfig

# The second cleaning works, and after it the sleep of a day ends the test.
AIRFLOW = '#!/bin/sh\necho "$*" >>"$HOME/calls"\ntest "$(wc -l <"$HOME/calls")" -ge 2\n'
SLEEP = '#!/bin/sh\necho "$1" >>"$HOME/sleeps"\ntest "$1" -lt 86400 || kill "$PPID"\n'


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in (("airflow", AIRFLOW), ("sleep", SLEEP)):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    monkeypatch.setattr(airflow_cleaning, "LOGS", str(tmp_path / "logs"))
    monkeypatch.setattr(airflow_cleaning, "_CLEANED", str(tmp_path / "cleaned"))
    return tmp_path


def test_what_is_old_goes_and_a_failed_cleaning_is_tried_again(home):
    days = {"old/run/1.log": 15, "new/run/1.log": 13}
    for name, age in days.items():
        file = home / "logs" / name
        file.parent.mkdir(parents=True)
        file.touch()
        for path in (file, file.parent, file.parent.parent):
            os.utime(path, (time.time() - age * 86_400 - 60,) * 2)
    command = airflow_cleaning.command(AirflowConfig(log_retention_days=14, metadata_retention_days=30))
    env = os.environ | {"HOME": str(home), "PATH": f"{home}:/usr/bin:/bin"}
    subprocess.run(command, env=env, check=False, timeout=30)
    assert not (home / "logs/old/run/1.log").exists()
    assert (home / "logs/new/run/1.log").exists()
    calls = (home / "calls").read_text().splitlines()
    assert len(calls) == 2
    before = time.strftime("%Y-%m-%d", time.gmtime(time.time() - 30 * 86_400))
    assert calls[0].startswith(f"db clean --yes --skip-archive --clean-before-timestamp {before}T")
    assert (home / "sleeps").read_text().split() == ["60", "86400"]
    assert subprocess.run(airflow_cleaning.health()[1:], check=False).returncode == 0


def test_one_that_never_worked_is_not_healthy(home):
    assert subprocess.run(airflow_cleaning.health()[1:], check=False, capture_output=True).returncode != 0
