"""A signal to end that reaches the JVM instead of us: with spark-submit, Python is the JVM's child."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pyspark.java_gateway import ensure_callback_server_started
from pyspark.sql import SparkSession

from pipeline.spark_session import SUBMITTED_VARIABLE
from pipeline.stream.watch import FINISH_BATCH_S

# Above Spark's own, which closes the session; and Hadoop, whose list it is, waits 30 s unless told otherwise.
_PRIORITY, _PATIENCE_S = 100, FINISH_BATCH_S + 10


@contextmanager
def jvm_waits(session: SparkSession, stop: threading.Event) -> Iterator[None]:
    """Let a JVM that is told to end set `stop`, and wait until this context is left.

    Without spark-submit signals reach Python itself, and nothing is done.
    """
    done = threading.Event()
    if SUBMITTED_VARIABLE in os.environ:
        gateway: Any = session.sparkContext._gateway
        ensure_callback_server_started(gateway)  # type: ignore[no-untyped-call]
        hooks = gateway.jvm.org.apache.hadoop.util.ShutdownHookManager.get()
        seconds = gateway.jvm.java.util.concurrent.TimeUnit.SECONDS
        # A thread is Java's own, with the hash that its list of hooks asks for; it is run, never started.
        hook = gateway.jvm.java.lang.Thread(_Hook(stop, done))
        hooks.addShutdownHook(hook, _PRIORITY, _PATIENCE_S, seconds)
    try:
        yield
    finally:
        done.set()


class _Hook:
    """What Java calls."""

    def __init__(self, stop: threading.Event, done: threading.Event) -> None:
        self._stop, self._done = stop, done

    def run(self) -> None:
        self._stop.set()
        self._done.wait(_PATIENCE_S)

    class Java:
        """Read by py4j."""

        implements = ("java.lang.Runnable",)
