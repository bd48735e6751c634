"""What the topics are: names, partitions and limits. Each environment creates them in its own way."""

from dataclasses import dataclass

from infra.config import KafkaConfig
from infra.platform import KafkaEndpoint

# Room for what a DLQ message adds to the original: key, reason, origin, attempt.
_DLQ_ROOM_BYTES = 262_144


@dataclass(frozen=True)
class Topic:
    """A topic as it should be; `configs` are Kafka's own names."""

    name: str
    partitions: int
    configs: dict[str, str]


def dlq_limit(config: KafkaConfig) -> int:
    """Return the DLQ's message limit: above the source's, so that whatever came in uncompressed fits."""
    return config.max_message_bytes + _DLQ_ROOM_BYTES


def topics(endpoint: KafkaEndpoint, config: KafkaConfig) -> list[Topic]:
    """Return the topics; `orders_cleaned` is among them only if the endpoint names it."""
    source = config.max_message_bytes
    limits = {
        endpoint.orders_topic: source,
        endpoint.dlq_topic: dlq_limit(config),
        endpoint.cleaned_topic: source,
    }
    retention = str(config.retention_hours * 3_600_000)
    # Retention goes by a message's own timestamp: an older one could be deleted before anybody has read it.
    kept = {"retention.ms": retention, "message.timestamp.before.max.ms": retention}
    return [
        Topic(name, config.partitions, {"max.message.bytes": str(limit), **kept})
        for name, limit in limits.items()
        if name
    ]
