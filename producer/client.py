"""The Kafka client of the producer: nothing counts before every in-sync replica has it."""

from kafka import KafkaProducer
from kafka.errors import KafkaError, KafkaTimeoutError

from pipeline.kafka_client import client_options
from pipeline.settings import KafkaSettings

LINGER_MS = 5
BATCH_BYTES = 65_536
MAX_REQUEST_TIMEOUT_S = 30.0


class BrokerUnavailable(ConnectionError):
    """Kafka did not take messages within the retries; the message is one line."""


def open_client(settings: KafkaSettings, give_up_after_s: float) -> KafkaProducer:
    """Connect, retrying with back-off; raise BrokerUnavailable when Kafka or the topic stays away.

    Uncompressed: kafka-python's gzip is always at level 9, and the faster codecs are packages of their own.
    """
    try:
        client = KafkaProducer(
            **client_options(settings),
            acks="all",
            enable_idempotence=True,
            allow_auto_create_topics=False,
            linger_ms=LINGER_MS,
            batch_size=BATCH_BYTES,
            metrics_enabled=False,
            bootstrap_timeout_ms=int(give_up_after_s * 1_000),
            max_block_ms=int(give_up_after_s * 1_000),
            delivery_timeout_ms=int(give_up_after_s * 1_000),
            # The library wants delivery > request + linger; a lost answer is asked for again within the time.
            request_timeout_ms=int(min(MAX_REQUEST_TIMEOUT_S, give_up_after_s / 2) * 1_000),
        )
    except KafkaError as error:
        raise BrokerUnavailable(_line(settings, give_up_after_s, "is not available", error)) from None
    try:
        client.partitions_for(settings.orders_topic)
    except KafkaError as error:
        client.close(timeout=0)
        what = f"has no topic {settings.orders_topic!r}"
        raise BrokerUnavailable(_line(settings, give_up_after_s, what, error)) from None
    return client


def _line(settings: KafkaSettings, give_up_after_s: float, what: str, error: KafkaError) -> str:
    # A timeout says nothing beyond the seconds that are named anyway.
    cause = "" if isinstance(error, KafkaTimeoutError) else f": {error}"
    return f"Kafka at {settings.bootstrap_servers} {what} (tried for {give_up_after_s:g} s){cause}"
