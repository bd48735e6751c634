"""Run the streaming job until it is told to stop: `python -m pipeline.stream`.

SIGTERM and SIGINT let the running micro-batch finish, within 20 s, and no other. Exit code 0 after such a
stop, 1 after a failure.
"""

import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TypeVar

from psycopg2.errors import UndefinedTable
from pyspark.sql import SparkSession
from pyspark.sql.streaming.query import StreamingQuery
from tenacity import RetryCallState, retry, retry_if_exception_type, stop_after_delay, wait_exponential_jitter

from pipeline.console import run
from pipeline.database import connect_patiently
from pipeline.kafka_client import KafkaUnavailable
from pipeline.settings import (
    KafkaSettings,
    PostgresSettings,
    SparkSettings,
    StorageSettings,
    StreamSettings,
    load,
)
from pipeline.spark_failures import SparkFailed, spark_in_words
from pipeline.spark_session import open_session
from pipeline.stream.checkpoint import CheckpointStuck
from pipeline.stream.commit import WentBack
from pipeline.stream.health import record_start
from pipeline.stream.job import SPARK_CONF, StreamJob
from pipeline.stream.offsets import (
    OffsetsLost,
    TopicMissing,
    TopicRange,
    check_against_kafka,
    reconcile,
    starting_offsets,
)
from pipeline.stream.progress import committed_offsets
from pipeline.stream.submitted import jvm_waits
from pipeline.stream.tally import DoesNotAddUp
from pipeline.stream.topic import topic_range
from pipeline.stream.warm_up import warm_up
from pipeline.stream.watch import Housekeeping, Pulse, StreamFailed, chores, watch

READY_FILE_VARIABLE = "ECOM_STREAM_READY_FILE"

log = logging.getLogger("pipeline.stream")
T = TypeVar("T")


def main() -> None:
    """Start from what `ops` says was committed and run until a signal or a failure ends the query."""
    _configure_logging()
    _on_stop_signal(_end_now)
    job = StreamJob(load(PostgresSettings), load(KafkaSettings), load(StreamSettings), load(StorageSettings))
    with (
        _ready_file() as announce,
        spark_in_words(DoesNotAddUp, WentBack, brokers=job.kafka.bootstrap_servers),
    ):
        query = _start(job)
        stop = threading.Event()
        _on_stop_signal(stop.set)
        log.info("reading %s, checkpoint %s", job.kafka.orders_topic, job.checkpoint)
        announce()
        house = Housekeeping(job.postgres, chores(query, job.kafka.orders_topic))
        with jvm_waits(SparkSession.active(), stop):
            watch(query, stop, Pulse(query, announce), house)


def _on_stop_signal(action: Callable[[], None]) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: action())


def _end_now() -> None:
    # Nothing is in flight before the query runs, and a server that is waited for may never come.
    raise SystemExit(0)


def _configure_logging() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for noisy in ("kafka", "py4j"):
        logging.getLogger(noisy).setLevel(logging.ERROR)


@contextmanager
def _ready_file() -> Iterator[Callable[[], None]]:
    """Yield a function that tells the supervisor, by a file and its age, that the query runs."""
    name = os.environ.get(READY_FILE_VARIABLE)
    path = Path(name) if name else None
    try:
        if path:
            path.unlink(missing_ok=True)
        yield path.touch if path else lambda: None
    finally:
        if path:
            path.unlink(missing_ok=True)


def _start(job: StreamJob) -> StreamingQuery:
    # The session first: it needs neither PostgreSQL nor Kafka, which may still be starting.
    session = open_session(load(SparkSettings), "orders-stream", SPARK_CONF)
    warm_up(session)
    topic = job.kafka.orders_topic
    committed = _patiently(_committed, job)
    held = _patiently(_held, job)
    check_against_kafka(committed, held)
    reconcile(session, job.checkpoint, committed, held)
    _note_start(job)
    return job.start(session, starting_offsets(topic, committed, held.end), committed)


def _say_what_is_missing(state: RetryCallState) -> None:
    log.info("waiting: %s", str(state.outcome.exception() if state.outcome else "").strip())


def _patiently(ask: Callable[[StreamJob], T], job: StreamJob) -> T:
    """Ask until there is an answer: a first start comes before the migrations and the topic."""
    attempt = retry(
        retry=retry_if_exception_type((KafkaUnavailable, TopicMissing, UndefinedTable)),
        wait=wait_exponential_jitter(multiplier=0.2, max=2),
        stop=stop_after_delay(job.stream.give_up_after_s),
        before_sleep=_say_what_is_missing,
        reraise=True,  # what is still missing at the end is told
    )
    return attempt(ask)(job)


def _committed(job: StreamJob) -> dict[int, int]:
    patient = connect_patiently(job.postgres, "ingest", "ecom-stream-start", job.stream.give_up_after_s)
    with closing(patient) as connection, connection:
        return committed_offsets(connection, job.kafka.orders_topic)


def _note_start(job: StreamJob) -> None:
    with closing(connect_patiently(job.postgres, "ingest", "ecom-stream-start")) as connection, connection:
        record_start(connection)


def _held(job: StreamJob) -> TopicRange:
    return topic_range(job.kafka, job.kafka.orders_topic)


EXPECTED = (
    SparkFailed,
    StreamFailed,
    DoesNotAddUp,
    WentBack,
    OffsetsLost,
    CheckpointStuck,
    TopicMissing,
    UndefinedTable,
)

if __name__ == "__main__":
    run(main, EXPECTED)
