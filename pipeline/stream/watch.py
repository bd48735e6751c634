"""What the driver does while its query runs: hourly housekeeping, and an end at the end of a micro-batch."""

import logging
import threading
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any

import psycopg2
from pyspark.errors import StreamingQueryException
from pyspark.sql.streaming.query import StreamingQuery

from pipeline.database import connect
from pipeline.secret_values import SecretError
from pipeline.settings import PostgresSettings
from pipeline.stream.progress import prune_commits

FINISH_BATCH_S = 20
PRUNE_EVERY_S = 3_600
_LOOK_S = 0.02

log = logging.getLogger("pipeline.stream")


class StreamFailed(RuntimeError):
    """The query ended by an error; the message is its first cause, the log has the rest."""


class Housekeeping:
    """Prunes the history of commits now and then, over its own connection and beside the micro-batches."""

    def __init__(
        self,
        postgres: PostgresSettings,
        every_s: float = PRUNE_EVERY_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._postgres = postgres
        self._every_s = every_s
        self._clock = clock
        self._due = clock()

    def __call__(self) -> None:
        """Prune if it is time; a server that is away is no failure, as the next hour comes."""
        if self._clock() < self._due:
            return
        self._due = self._clock() + self._every_s
        try:
            with closing(connect(self._postgres, "ingest", "ecom-stream-prune")) as connection, connection:
                prune_commits(connection)
        except (psycopg2.Error, SecretError) as error:
            log.warning("old rows of ops.stream_commits stay for now: %s", str(error).strip())


def watch(query: StreamingQuery, stop: threading.Event, keep_house: Callable[[], None]) -> None:
    """Return once `stop` is set and the micro-batch that runs then is finished, or raise StreamFailed."""
    try:
        while not stop.is_set():
            if query.awaitTermination(1):
                raise StreamFailed("the query ended by itself")
            keep_house()
        finish_batch(query)
    except StreamingQueryException as error:
        raise StreamFailed(_first_lines(str(error))) from None


def finish_batch(query: StreamingQuery, patience_s: float = FINISH_BATCH_S) -> None:
    """Stop the query once the running micro-batch is finished, or patience ends.

    Under backlog the next one begins at once and is cut off, with hardly anything done: like any other cut it
    loses nothing, and the next start plans it anew.
    """
    running, deadline = _last_report(query), time.monotonic() + patience_s
    while query.status["isTriggerActive"] and _last_report(query) == running:
        if time.monotonic() > deadline or query.awaitTermination(_LOOK_S):  # type: ignore[arg-type]
            break
    query.stop()


def _last_report(query: StreamingQuery) -> Any:
    """Return what tells one progress report from the next; each batch ends with one, after its commit."""
    report = query.lastProgress
    return report and (report["batchId"], report["timestamp"])


def _first_lines(message: str) -> str:
    lines = [
        line.strip() for line in message.splitlines() if line.strip() and not line.lstrip().startswith("at ")
    ]
    return "; ".join(lines[:3])
