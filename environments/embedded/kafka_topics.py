"""The topics, through Kafka's own admin protocol: created, or brought to the configured limits."""

from contextlib import closing
from typing import TYPE_CHECKING

from infra.config import PlatformConfig
from infra.platform import KafkaEndpoint

# Half a second to import, which every command would pay for.
if TYPE_CHECKING:
    from kafka import KafkaAdminClient

# Room for what a DLQ message adds to the original: key, reason, origin, attempt.
_DLQ_ROOM_BYTES = 262_144


def dlq_limit(config: PlatformConfig) -> int:
    """Return the DLQ's message limit: above the source's, so that whatever came in fits."""
    return config.kafka.max_message_bytes + _DLQ_ROOM_BYTES


def _admin(bootstrap_servers: str, timeout_ms: int) -> "KafkaAdminClient":
    from kafka import KafkaAdminClient

    return KafkaAdminClient(
        bootstrap_servers=bootstrap_servers,
        client_id="ecom-up",
        request_timeout_ms=timeout_ms,
        bootstrap_timeout_ms=timeout_ms,
    )


def broker_answers(bootstrap_servers: str) -> bool:
    """Say whether the broker answers a metadata request."""
    from kafka.errors import KafkaError

    try:
        with closing(_admin(bootstrap_servers, timeout_ms=2_000)) as admin:
            return bool(admin.describe_cluster()["brokers"])
    except (KafkaError, OSError):
        return False


def ensure_topics(endpoint: KafkaEndpoint, config: PlatformConfig) -> None:
    """Create the topics that are missing and set the limits of those that are there.

    The number of partitions of an existing topic stays: another one would move orders between partitions.
    """
    from kafka.admin import ConfigResource, ConfigResourceType

    wanted = topics(endpoint, config)
    with closing(_admin(endpoint.bootstrap_servers, timeout_ms=30_000)) as admin:
        present = set(admin.list_topics())
        missing = {name: options for name, options in wanted.items() if name not in present}
        if missing:
            admin.create_topics(missing, wait_for_metadata=True)
        kept = {name: options["configs"] for name, options in wanted.items() if name in present}
        if kept:
            admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, *item) for item in kept.items()])


def topics(endpoint: KafkaEndpoint, config: PlatformConfig) -> dict[str, dict[str, object]]:
    """Return each topic's partitions and limits."""
    source = config.kafka.max_message_bytes
    limits = {
        endpoint.orders_topic: source,
        endpoint.dlq_topic: dlq_limit(config),
        endpoint.cleaned_topic: source,
    }
    retention = str(config.kafka.retention_hours * 3_600_000)
    return {
        name: {
            "num_partitions": config.kafka.partitions,
            "replication_factor": 1,
            "configs": {"max.message.bytes": str(limit), "retention.ms": retention},
        }
        for name, limit in limits.items()
        if name
    }
