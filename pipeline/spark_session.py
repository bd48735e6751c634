"""One way to open a Spark session, for the stream and the batch alike."""

import os
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pyspark.sql import SparkSession

from pipeline.settings import SparkSettings
from pipeline.spark_failures import spark_in_words

# Read by the JVM's launcher, so they must be set before it starts; a cluster sets its own.
_LOCAL_JVM_OPTIONS = "-XX:+UseParallelGC -XX:-UsePerfData -XX:-DontCompileHugeMethods"

_LOGGING = Path(__file__).with_name("log4j2.properties")

# spark-submit sets it for the Python program that it starts.
SUBMITTED_VARIABLE = "PYSPARK_GATEWAY_PORT"


def open_session(
    settings: SparkSettings, name: str, conf: dict[str, str] | None = None, log_level: str = "WARN"
) -> SparkSession:
    """Return the process's session: UTC, ANSI mode, and `conf` on top; raise SparkFailed.

    Master, memory and jars are the settings', unless spark-submit started this process: then they are what it
    was given, which code would silently override.
    """
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = (
        SparkSession.builder.appName(name)
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.ansi.enabled", "true")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
    )
    submitted = SUBMITTED_VARIABLE in os.environ
    placed = {"spark.log.level": log_level} if submitted else _place(settings, log_level)
    for key, value in (placed | (conf or {})).items():
        builder = builder.config(key, value)
    with spark_in_words(), _own_interrupts():
        return builder.getOrCreate()


@contextmanager
def _own_interrupts() -> Iterator[None]:
    """Keep the caller's way with Ctrl-C: Spark's cancels jobs of a context that may be stopped by then."""
    before = signal.getsignal(signal.SIGINT)
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, before)


def _place(settings: SparkSettings, log_level: str) -> dict[str, str]:
    """Return what says where Spark runs and logs, for a driver that is this very process."""
    place = {
        "spark.master": settings.master,
        "spark.driver.memory": settings.driver_memory,
        "spark.jars": settings.jars,
    }
    if settings.master.startswith("local"):
        # Everything in one process on this machine: nothing has to listen on another address.
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
        place["spark.driver.host"] = "127.0.0.1"
        # Python follows TMPDIR, the JVM does not.
        options = f"{_LOCAL_JVM_OPTIONS} -Djava.io.tmpdir={tempfile.gettempdir()} {settings.jvm_options}"
    else:
        options = settings.jvm_options
    logging = f"-Dlog4j2.configurationFile={_LOGGING.as_uri()} -Decom.log.level={log_level}"
    place["spark.driver.extraJavaOptions"] = f"{options} {logging}".strip()
    return place
