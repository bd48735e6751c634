"""What goes wrong inside Spark, in one line: a worker's exception comes back as text alone."""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager

from pipeline.database import DatabaseUnavailable
from pipeline.kafka_client import KafkaUnavailable
from pipeline.secret_values import SecretError

_EVERYWHERE: tuple[type[Exception], ...] = (DatabaseUnavailable, KafkaUnavailable, SecretError)
# The last line of a traceback, in Python and in Java.
_RAISED = re.compile(r"^(?:Caused by: )?([\w.$]+): (.+)$", re.MULTILINE)
_BY_BROKERS = re.compile(r"\borg\.apache\.kafka\.common\.errors\.\w+: (.+)")
_LONGEST = 500

log = logging.getLogger(__name__)


class SparkFailed(RuntimeError):
    """Spark failed for a reason that is none of ours; the message is one line of what it said."""


@contextmanager
def spark_in_words(*known: type[Exception], brokers: str = "") -> Iterator[None]:
    """Raise again what a worker raised, if it is of `known` or of the servers' errors; else SparkFailed.

    Each of `known` is made of its message alone. `brokers` says where Kafka is, if Spark reads it. What Spark
    says at length is logged at level DEBUG.
    """
    from py4j.protocol import Py4JError  # here: steps without Spark don't pay for its import
    from pyspark.errors import PySparkException

    try:
        yield
    except (PySparkException, Py4JError) as error:
        log.debug("what Spark says", exc_info=True)
        raise _told(str(error), (*known, *_EVERYWHERE), brokers) from None


def _told(text: str, known: tuple[type[Exception], ...], brokers: str) -> Exception:
    raised = _RAISED.findall(text)
    by_name = {f"{kind.__module__}.{kind.__qualname__}": kind for kind in known}
    for name, message in reversed(raised):
        if name in by_name:
            return by_name[name](message)
    if brokers and (refused := _BY_BROKERS.search(text)):
        return KafkaUnavailable(f"Kafka at {brokers} is not available: {refused[1].strip()}")
    errors = [f"{name}: {message}" for name, message in raised if name.endswith(("Error", "Exception"))]
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    cause = (errors[-1:] or lines[:1] or ["no reason given"])[0]
    return SparkFailed(f"Spark failed: {cause[:_LONGEST]} (its log, or --verbose, has the rest)")
