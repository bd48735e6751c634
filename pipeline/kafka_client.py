"""Connection options of every kafka-python client: the producer's and the DLQ's."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kafka.errors import KafkaError

from pipeline.settings import KafkaSettings

# A broker that restarts is met again within a second or two; the library's own ceiling is 30 s.
RECONNECT_BACKOFF_MS = 100
RECONNECT_BACKOFF_MAX_MS = 2_000
# The library's own 30 s is long for somebody who waits at a terminal, and the stream retries anyway.
BOOTSTRAP_TIMEOUT_MS = 10_000


class KafkaUnavailable(ConnectionError):
    """No broker answered; the message is one line."""


@contextmanager
def answering(settings: KafkaSettings) -> Iterator[None]:
    """Raise KafkaUnavailable where a client inside raises KafkaError."""
    try:
        yield
    except KafkaError as error:
        cause = " ".join(str(error).split())
        raise KafkaUnavailable(f"Kafka at {settings.bootstrap_servers} is not available: {cause}") from None


def client_options(settings: KafkaSettings) -> dict[str, Any]:
    """Return the keyword arguments shared by KafkaProducer, KafkaConsumer and KafkaAdminClient."""
    options: dict[str, Any] = {
        "bootstrap_servers": settings.bootstrap_servers.split(","),
        "security_protocol": settings.security_protocol,
        "reconnect_backoff_ms": RECONNECT_BACKOFF_MS,
        "reconnect_backoff_max_ms": RECONNECT_BACKOFF_MAX_MS,
    }
    if settings.sasl_mechanism:
        options["sasl_mechanism"] = settings.sasl_mechanism
    return options


def reader_options(settings: KafkaSettings) -> dict[str, Any]:
    """Return the options of a client that is opened for one question."""
    return client_options(settings) | {"bootstrap_timeout_ms": BOOTSTRAP_TIMEOUT_MS}
