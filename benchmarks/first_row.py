"""Seconds from a cold `ecom up`, with nothing but the jars in the cache, to the first committed order."""

import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import psycopg2

from benchmarks.result import Result
from environments import embedded
from environments.embedded import jars
from pipeline.database import connect
from pipeline.settings import PostgresSettings, load

_COUNT = "SELECT count(*) FROM curated.fact_orders"
_POLL_S = 0.05
_GIVE_UP_S = 300


def run() -> list[Result]:
    """Start the environment in a new home; an order is sent as soon as a broker takes one."""
    jars.kafka_jars()
    jars.connector_jars()
    folder = Path(tempfile.mkdtemp(prefix="ecom-bench-"))
    folder.chmod(0o711)
    home = embedded.Home(folder / "home")
    os.environ |= {"ECOM_HOME": str(home.root), "ECOM_ENV_FILE": str(home.env_file)}
    started = time.monotonic()
    up = subprocess.Popen([*_PYTHON, "-c", "from cli.main import run; run()", "up", "--detach"])
    try:
        _until(home.env_file.exists)
        _until(_order_sent)
        _until(_order_committed)
        seconds = time.monotonic() - started
        up.wait()
        ready = time.monotonic() - started
    finally:
        embedded.stop(home)
        shutil.rmtree(folder, ignore_errors=True)
    return [Result("first_row", "s", round(seconds, 2), notes={"up returned": round(ready, 2)})]


_PYTHON = (sys.executable, "-W", "ignore")


def _until(done: Callable[[], bool]) -> None:
    pause, deadline = threading.Event(), time.monotonic() + _GIVE_UP_S
    while not done():
        if time.monotonic() > deadline:
            raise RuntimeError(f"no order was committed within {_GIVE_UP_S} s")
        pause.wait(_POLL_S)


def _order_sent() -> bool:
    command = [*_PYTHON, "-m", "producer", "--count=1", "--no-progress"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _order_committed() -> bool:
    try:
        with closing(connect(load(PostgresSettings), "etl")) as connection, connection.cursor() as cursor:
            cursor.execute(_COUNT)
            return cursor.fetchone() != (0,)
    except psycopg2.Error:
        return False
