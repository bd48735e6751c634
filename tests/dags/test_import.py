"""Every DAG imports on the lowest and the highest supported Airflow: no Java, no pyspark, no connection."""

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).parents[2]
PROVIDERS = ("apache-airflow-providers-standard", "apache-airflow-providers-amazon")
LOWEST = "3.0.6"  # the oldest that MWAA offers of 3.x


def locked(name: str) -> str:
    lock = tomllib.loads((REPOSITORY / "uv.lock").read_text(encoding="utf-8"))
    return next(str(package["version"]) for package in lock["package"] if package["name"] == name)


@pytest.fixture(scope="module", params=["lowest", "highest"])
def parsed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What came of importing the DAG folder in an environment made for this Airflow alone."""
    version = LOWEST if request.param == "lowest" else locked("apache-airflow")
    home = tmp_path_factory.mktemp("airflow")
    uv = subprocess.run(
        [REPOSITORY / "scripts" / "bootstrap_uv.sh"], capture_output=True, text=True, check=True
    ).stdout.strip()
    extras = [word for name in PROVIDERS for word in ("--with", name)]
    command = [uv, "run", "--no-project", "--isolated", "--with", f"apache-airflow=={version}", *extras]
    env = {name: value for name, value in os.environ.items() if not name.startswith(("ECOM_", "AIRFLOW"))}
    env |= {"AIRFLOW_HOME": str(home), "PATH": str(Path(uv).parent) + ":/usr/bin:/bin", "JAVA_HOME": ""}
    env |= {"AIRFLOW__CORE__LOAD_EXAMPLES": "False"}
    done = subprocess.run(
        [*command, "python", str(Path(__file__).with_name("parse.py")), str(REPOSITORY / "dags")],
        env=env | {"UV_PYTHON": sys.executable},
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    assert lines, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(lines[-1].removeprefix("RESULT "))
    assert found["version"] == version
    return found


def test_nothing_of_ours_is_installed_there(parsed: dict[str, Any]):
    assert parsed["installed"] == []


def test_every_dag_imports(parsed: dict[str, Any]):
    assert parsed["errors"] == {}
    assert parsed["dags"] == {
        "daily_orders": ["begin", "check", "dimensions", "facts", "gate", "publish"],
        "stream_watch": ["watch"],
        "stream_job": ["keep"],
        "dlq_replay": ["replay"],
    }
