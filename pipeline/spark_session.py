"""One way to open a Spark session, for the stream and the batch alike."""

import os
import sys
import tempfile

from pyspark.sql import SparkSession

from pipeline.settings import SparkSettings
from pipeline.spark_failures import spark_in_words

# Read by the JVM's launcher, so they must be set before it starts; a cluster sets its own.
_LOCAL_JVM_OPTIONS = "-XX:+UseParallelGC -XX:-UsePerfData -XX:-DontCompileHugeMethods"


def open_session(settings: SparkSettings, name: str, conf: dict[str, str] | None = None) -> SparkSession:
    """Return the process's session: UTC, ANSI mode, our jars, and `conf` on top; raise SparkFailed."""
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = (
        SparkSession.builder.appName(name)
        .master(settings.master)
        .config("spark.driver.memory", settings.driver_memory)
        .config("spark.jars", settings.jars)
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.ansi.enabled", "true")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.log.level", "WARN")
    )
    if settings.master.startswith("local"):
        # Everything in one process on this machine: nothing has to listen on another address.
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
        builder = builder.config("spark.driver.host", "127.0.0.1")
        # Python follows TMPDIR, the JVM does not.
        options = f"{_LOCAL_JVM_OPTIONS} -Djava.io.tmpdir={tempfile.gettempdir()}"
        builder = builder.config("spark.driver.extraJavaOptions", options)
    for key, value in (conf or {}).items():
        builder = builder.config(key, value)
    with spark_in_words():
        return builder.getOrCreate()
