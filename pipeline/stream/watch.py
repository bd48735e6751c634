"""What the driver does while its query runs: housekeeping, and an end at the end of a micro-batch."""

import json
import logging
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import psycopg2
from psycopg2.extensions import connection as Connection
from pyspark.sql.streaming.query import StreamingQuery

from pipeline.database import connect
from pipeline.secret_values import SecretError
from pipeline.settings import PostgresSettings
from pipeline.stream.progress import prune_commits, record_ends
from pipeline.sums.fold import fold

FINISH_BATCH_S = 20
PRUNE_EVERY_S = 3_600
FOLD_EVERY_S = 30
TELL_ENDS_EVERY_S = 5
_LOOK_S = 0.02

log = logging.getLogger("pipeline.stream")


class StreamFailed(RuntimeError):
    """The query ended, and nobody knows why."""


@dataclass
class Chore:
    """Something to do now and then over a connection of its own; `otherwise` says what its failure means."""

    every_s: float
    action: Callable[[Connection], object]
    otherwise: str
    due: float = field(default=0.0, init=False)


def chores(query: StreamingQuery, topic: str) -> list[Chore]:
    """Return what the stream's driver does beside its micro-batches."""

    def tell_ends(connection: Connection) -> None:
        # What the query saw, rather than asking Kafka: a broker that hangs must not keep us from stopping.
        report = query.lastProgress
        # By its own text: in pyspark's dictionary the offsets are written as Python does, which is no JSON.
        told = json.loads(report.json) if report else {"sources": []}
        for source in told["sources"]:
            if found := source["latestOffset"]:
                ends = {int(partition): int(offset) for partition, offset in found[topic].items()}
                record_ends(connection, topic, ends, told["timestamp"])

    return [
        Chore(PRUNE_EVERY_S, prune_commits, "old rows of ops.stream_commits stay for now"),
        Chore(FOLD_EVERY_S, fold, "changes of the dashboards' sums stay unfolded for now"),
        Chore(TELL_ENDS_EVERY_S, tell_ends, "dashboards don't see how far the stream is behind"),
    ]


class Housekeeping:
    """Does chores when they are due, beside the micro-batches."""

    def __init__(
        self,
        postgres: PostgresSettings,
        chores: list[Chore],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._postgres = postgres
        self._chores = chores
        self._clock = clock
        for chore in chores:
            chore.due = clock()

    def __call__(self) -> None:
        """Do what is due; a server that is away is no failure, as the next time comes."""
        for chore in self._chores:
            if self._clock() >= chore.due:
                chore.due = self._clock() + chore.every_s
                self._do(chore)

    def _do(self, chore: Chore) -> None:
        try:
            with closing(connect(self._postgres, "ingest", "ecom-stream-chores")) as connection:
                chore.action(connection)
        # Another Spark may report otherwise; that is no reason to stop reading orders.
        except (psycopg2.Error, SecretError, LookupError, ValueError) as error:
            log.warning("%s: %s", chore.otherwise, str(error).strip())


class Pulse:
    """Tells that the query gets on: it ended a micro-batch since the last look, or waits for events."""

    def __init__(self, query: StreamingQuery, tell: Callable[[], None]) -> None:
        self._query = query
        self._tell = tell
        self._seen: Any = None

    def __call__(self) -> None:
        """Look, and tell if it is so."""
        report = _last_report(self._query)
        if report != self._seen or not self._query.status["isTriggerActive"]:
            self._tell()
        self._seen = report


def watch(query: StreamingQuery, stop: threading.Event, *each_second: Callable[[], None]) -> None:
    """Return once `stop` is set and the micro-batch that runs then is finished.

    Raises StreamFailed if the query ends by itself, Spark's exception if it fails.
    """
    while not stop.is_set():
        if query.awaitTermination(1):
            raise StreamFailed("the query ended by itself")
        for action in each_second:
            action()
    log.info("told to stop: this micro-batch is the last")
    finish_batch(query)


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
