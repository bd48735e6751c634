"""What Spark says of a failure, as it was seen, and the line that is told."""

import logging

import pytest
from py4j.protocol import Py4JNetworkError
from pyspark.errors import PythonException, StreamingQueryException

from pipeline.database import DatabaseUnavailable
from pipeline.jobs.seat import SeatLost
from pipeline.kafka_client import KafkaUnavailable
from pipeline.spark_failures import SparkFailed, spark_in_words

WORKER = """
  An exception was thrown from the Python worker. Please see the stack trace below.
Traceback (most recent call last):
  File "/work/pipeline/jobs/staging_sink.py", line 61, in __call__
    self._seat.keep(cursor)
{raised}

"""
QUERY = """[STREAM_FAILED] Query [id = 8e35, runId = b386] terminated with exception: [FOREACH_BATCH_USER_\
FUNCTION_ERROR] An error occurred in the user provided function in foreach batch sink. Reason: An exception \
was raised by the Python Proxy. Return Message: Traceback (most recent call last):
  File "/venv/lib/python3.11/site-packages/py4j/clientserver.py", line 644, in _call_proxy
    return_value = getattr(self.pool[obj_id], method)(*params)
pyspark.errors.exceptions.captured.PythonException: {worker}
 SQLSTATE: 39000 SQLSTATE: XXKST
=== Streaming Query ===
Identifier: [id = 8e35, runId = b386]
Current Available Offsets: {{RateStreamV2: 1}}
"""
BROKERS_AWAY = """[STREAM_FAILED] Query [id = 8e35, runId = b386] terminated with exception: \
org.apache.kafka.common.errors.TimeoutException: Timed out waiting for a node assignment. Call: describeTopics
=== Streaming Query ===
Identifier: [id = 8e35, runId = b386]
"""
LOST = "pipeline.jobs.seat.SeatLost: staging belongs to run two by now, not to run one"
AWAY = "pipeline.database.DatabaseUnavailable: PostgreSQL at db:5432/ecom as ingest is not available: refused"


def told(error: Exception, brokers: str = "") -> Exception:
    with pytest.raises(Exception, match=r"\w") as caught, spark_in_words(SeatLost, brokers=brokers):
        raise error
    assert caught.value.__cause__ is None
    assert "\n" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize(
    "text", [WORKER.format(raised=LOST), QUERY.format(worker=WORKER.format(raised=LOST))]
)
def test_a_workers_own_error_is_raised_again(text: str):
    found = told(PythonException(text))
    assert (type(found), str(found)) == (SeatLost, LOST.partition(": ")[2])


def test_a_server_that_is_away_is_told_whatever_the_caller_knows():
    found = told(StreamingQueryException(QUERY.format(worker=WORKER.format(raised=AWAY))))
    assert (type(found), str(found)) == (DatabaseUnavailable, AWAY.partition(": ")[2])


def test_brokers_that_spark_itself_asks_are_named():
    found = told(StreamingQueryException(BROKERS_AWAY), "broker:9092")
    said = (
        "Kafka at broker:9092 is not available: Timed out waiting for a node assignment. Call: describeTopics"
    )
    assert (type(found), str(found)) == (KafkaUnavailable, said)


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (PythonException(WORKER.format(raised="ValueError: seven\nlines")), "ValueError: seven"),
        (
            PythonException("[TABLE_OR_VIEW_NOT_FOUND] no `t`.\nVerify it."),
            "[TABLE_OR_VIEW_NOT_FOUND] no `t`.",
        ),
        (Py4JNetworkError("Answer from Java side is empty"), "Answer from Java side is empty"),
        (PythonException("\n"), "no reason given"),
        (PythonException("e" * 9_999), "e" * 500),
    ],
)
def test_anything_else_is_one_line_and_the_rest_is_for_the_log(
    error: Exception, cause: str, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG, "pipeline")
    found = told(error)
    assert type(found) is SparkFailed
    assert str(found) == f"Spark failed: {cause} (its log, or --verbose, has the rest)"
    assert "Traceback" in caplog.text


def test_what_is_not_sparks_passes():
    with pytest.raises(ZeroDivisionError), spark_in_words():
        raise ZeroDivisionError
