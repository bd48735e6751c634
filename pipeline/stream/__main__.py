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

from psycopg2.errors import UndefinedTable
from pyspark.sql.streaming.query import StreamingQuery
from tenacity import RetryCallState, retry, retry_if_exception_type, stop_after_delay, wait_exponential_jitter

from pipeline.console import run
from pipeline.database import connect_patiently
from pipeline.kafka_client import KafkaUnavailable
from pipeline.settings import (
    KafkaSettings,
    PostgresSettings,
    SettingsError,
    SparkSettings,
    StorageSettings,
    StreamSettings,
    load,
)
from pipeline.spark_session import open_session
from pipeline.stream.checkpoint import CheckpointStuck
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
from pipeline.stream.topic import topic_range
from pipeline.stream.warm_up import warm_up
from pipeline.stream.watch import Housekeeping, StreamFailed, watch

READY_FILE_VARIABLE = "ECOM_STREAM_READY_FILE"
GIVE_UP_VARIABLE = "ECOM_STREAM_GIVE_UP_AFTER_S"
GIVE_UP_AFTER_S = 60

log = logging.getLogger("pipeline.stream")


def main() -> None:
    """Start from what `ops` says was committed and run until a signal or a failure ends the query."""
    _configure_logging()
    _on_stop_signal(_end_now)
    job = StreamJob(load(PostgresSettings), load(KafkaSettings), load(StreamSettings), load(StorageSettings))
    with _ready_file() as announce:
        query = _start(job)
        stop = threading.Event()
        _on_stop_signal(stop.set)
        log.info("reading %s, checkpoint %s", job.kafka.orders_topic, job.checkpoint)
        announce()
        watch(query, stop, Housekeeping(job.postgres))


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
    """Yield a function that tells the supervisor, by a file, that the query runs."""
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
    _give_up_after_s()  # a wrong value is told now, not when it is needed
    # The session first: it needs neither PostgreSQL nor Kafka, which may still be starting.
    session = open_session(load(SparkSettings), "orders-stream", SPARK_CONF)
    warm_up(session)
    topic = job.kafka.orders_topic
    committed = _committed(job)
    held = _held(job)
    check_against_kafka(committed, held)
    reconcile(session, job.checkpoint, committed, held)
    _note_start(job)
    return job.start(session, starting_offsets(topic, committed, held.end))


def _give_up_after_s() -> float:
    text = os.environ.get(GIVE_UP_VARIABLE) or str(GIVE_UP_AFTER_S)
    try:
        return float(text)
    except ValueError:
        raise SettingsError(f"{GIVE_UP_VARIABLE}={text!r}: must be a number of seconds") from None


def _too_late(state: RetryCallState) -> bool:
    return stop_after_delay(_give_up_after_s())(state)


def _say_what_is_missing(state: RetryCallState) -> None:
    log.info("waiting: %s", str(state.outcome.exception() if state.outcome else "").strip())


_patiently = retry(
    # A first start comes before the migrations and the topic; what is still missing at the end is told.
    retry=retry_if_exception_type((KafkaUnavailable, TopicMissing, UndefinedTable)),
    wait=wait_exponential_jitter(multiplier=0.2, max=2),
    stop=_too_late,
    before_sleep=_say_what_is_missing,
    reraise=True,
)


@_patiently
def _committed(job: StreamJob) -> dict[int, int]:
    patient = connect_patiently(job.postgres, "ingest", "ecom-stream-start", _give_up_after_s())
    with closing(patient) as connection, connection:
        return committed_offsets(connection, job.kafka.orders_topic)


def _note_start(job: StreamJob) -> None:
    with closing(connect_patiently(job.postgres, "ingest", "ecom-stream-start")) as connection, connection:
        record_start(connection)


@_patiently
def _held(job: StreamJob) -> TopicRange:
    return topic_range(job.kafka, job.kafka.orders_topic)


EXPECTED = (StreamFailed, OffsetsLost, CheckpointStuck, TopicMissing, UndefinedTable)

if __name__ == "__main__":
    run(main, EXPECTED)
