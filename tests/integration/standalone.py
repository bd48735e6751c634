"""A Spark standalone master and worker on 127.0.0.1, from the classes that pyspark ships."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from environments.embedded import ivy
from environments.embedded.java import java
from environments.embedded.ports import any_free
from tests.waiting import until

HOST = "127.0.0.1"
_PACKAGE = "org.apache.spark.deploy"


@dataclass(frozen=True)
class Standalone:
    """A running master; `folder` holds the worker's and its executors' logs."""

    master: str
    page: str
    folder: Path

    def state(self) -> dict[str, Any]:
        """Return what the master knows of workers and applications."""
        answer: dict[str, Any] = httpx.get(f"{self.page}/json/").json()
        return answer

    def logs(self) -> str:
        """Return everything that master, worker and executors wrote."""
        files = [path for path in self.folder.rglob("*") if path.is_file() and path.suffix != ".jar"]
        return "\n".join(path.read_text(encoding="utf-8", errors="replace") for path in files)


@contextmanager
def running_standalone(folder: Path) -> Iterator[Standalone]:
    """Start a master and one worker with two cores; both are gone after the block."""
    port, page = any_free(), any_free()
    found = Standalone(f"spark://{HOST}:{port}", f"http://{HOST}:{page}", folder)
    with ExitStack() as stack:
        options = ["--host", HOST, "--port", str(port), "--webui-port", str(page)]
        stack.enter_context(_java(folder / "master.log", "master.Master", *options))
        options = ["--host", HOST, "--cores", "2", "--memory", "1g", "--work-dir", str(folder / "work")]
        options += ["--webui-port", "0", found.master]
        stack.enter_context(_java(folder / "worker.log", "worker.Worker", *options))
        until(lambda: _has_worker(found), "the worker is with the master", found.logs, timeout_s=60)
        yield found


def _has_worker(found: Standalone) -> bool:
    try:
        return bool(found.state()["aliveworkers"])
    except httpx.TransportError:
        return False


@contextmanager
def _java(log: Path, name: str, *options: str) -> Iterator[None]:
    command = [java(), "-Xmx256m", "-cp", f"{ivy.pyspark_jars()}/*", f"{_PACKAGE}.{name}", *options]
    # What a container's image says.
    image = {
        "SPARK_HOME": str(ivy.pyspark_jars().parent),
        "SPARK_SCALA_VERSION": "2.13",
        "SPARK_LOCAL_IP": HOST,
        "PYSPARK_PYTHON": sys.executable,
    }
    with log.open("w") as file:
        process = subprocess.Popen(command, env=os.environ | image, stdout=file, stderr=file)
    try:
        yield
    finally:
        process.terminate()
        process.wait(60)
