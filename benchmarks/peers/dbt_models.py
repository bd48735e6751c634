"""dbt-postgres with the same models, each a table that is built anew and then swapped in."""

import os
import subprocess
import time
from contextlib import closing
from pathlib import Path

from benchmarks.lab import Lab

_PROJECT = Path(__file__).parent / "dbt"
_BOOTSTRAP = Path(__file__).parents[2] / "scripts" / "bootstrap_uv.sh"
# 1.12 needs a file from outside the package registries.
_DBT = ("tool", "run", "--from", "dbt-core==1.11.*", "--with", "dbt-postgres>=1.9", "dbt")


def run(lab: Lab) -> float:
    """Return the seconds of `dbt run`; fetching and loading dbt itself is done before."""
    with closing(lab.connect()) as connection, connection, connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA IF NOT EXISTS dbt")
    _dbt(lab, "debug")
    started = time.monotonic()
    _dbt(lab, "run")
    return round(time.monotonic() - started, 2)


def _dbt(lab: Lab, command: str) -> None:
    uv = subprocess.run([_BOOTSTRAP], capture_output=True, text=True, check=True).stdout.strip()
    settings = lab.postgres
    variables = {
        "BENCH_HOST": settings.host,
        "BENCH_PORT": str(settings.port),
        "BENCH_USER": settings.user("admin"),
        "BENCH_DATABASE": settings.database,
        "DBT_ENV_SECRET_PASSWORD": settings.password("admin"),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DBT_TARGET_PATH": str(lab.folder / "dbt"),
        "DBT_LOG_PATH": str(lab.folder / "dbt"),
    }
    folders = ["--project-dir", str(_PROJECT), "--profiles-dir", str(_PROJECT)]
    log = lab.folder / "dbt.log"
    with log.open("ab") as file:
        done = subprocess.run(
            [uv, *_DBT, command, *folders],
            env=os.environ | variables,
            stdout=file,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if done.returncode:
        raise RuntimeError(f"dbt {command} failed:\n{log.read_text(encoding='utf-8')[-3000:]}")
