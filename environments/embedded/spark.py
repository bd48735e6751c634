"""Spark in local mode, inside the streaming job's own process."""

import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from environments.embedded import class_archive
from environments.embedded.home import REPOSITORY, Home
from environments.embedded.service import Service
from infra.config import PlatformConfig
from infra.platform import SparkEndpoint

NAME = "stream"
READY_FILE_VARIABLE = "ECOM_STREAM_READY_FILE"
COMMAND = (sys.executable, "-m", "pipeline.stream")


def endpoint(config: PlatformConfig, jars: list[Path]) -> SparkEndpoint:
    """Return the endpoint: all cores of this machine, connectors from local files."""
    return SparkEndpoint(
        master="local[*,4]",
        jars=",".join(str(jar) for jar in jars),
        driver_memory=f"{config.stream.driver_memory_mb}m",
        jvm_options=class_archive.jvm_options(),
        max_offsets_per_trigger=config.stream.max_offsets_per_trigger,
        trigger_interval_ms=config.stream.trigger_interval_ms,
    )


def service(home: Home, env: Mapping[str, str], command: tuple[str, ...]) -> Service:
    """Return the streaming job; it creates the file named by READY_FILE_VARIABLE once its query runs."""
    ready_file, scratch = home.run / "stream.ready", home.run / "stream-tmp"

    def prepare() -> None:
        ready_file.unlink(missing_ok=True)
        # A Spark that was killed, or had to stop quickly, leaves its copies of the jars behind.
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(mode=0o700)

    return Service(
        name=NAME,
        command=command,
        # Workers would pick whatever `python3` is on PATH.
        env={
            **env,
            "PYSPARK_PYTHON": sys.executable,
            "TMPDIR": str(scratch),
            READY_FILE_VARIABLE: str(ready_file),
        },
        ready=ready_file.exists,
        folder=REPOSITORY,
        prepare=prepare,
        ready_timeout_s=180,
        stop_timeout_s=60,
    )
