"""The topics, through Kafka's own admin protocol: created, or brought to the configured limits."""

from collections.abc import Sequence
from contextlib import closing
from typing import Any

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import KafkaError
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

_PATIENCE_S = 120


@retry(
    retry=retry_if_exception_type((KafkaError, OSError)),
    wait=wait_fixed(1),
    stop=stop_after_delay(_PATIENCE_S),
    reraise=True,
)
def ensure_topics(bootstrap_servers: str, wanted: Sequence[dict[str, Any]]) -> None:
    """Create the topics that are missing and set the limits of those that are there, once the broker answers.

    The number of partitions of an existing topic stays: another one would move orders between partitions.
    """
    client = KafkaAdminClient(
        bootstrap_servers=bootstrap_servers,
        client_id="ecom-setup",
        request_timeout_ms=30_000,
        bootstrap_timeout_ms=10_000,
    )
    with closing(client) as admin:
        present = set(admin.list_topics())
        missing = {topic["name"]: _creation(topic) for topic in wanted if topic["name"] not in present}
        if missing:
            admin.create_topics(missing, wait_for_metadata=True)
        kept = [topic for topic in wanted if topic["name"] in present]
        if kept:
            admin.alter_configs(
                [ConfigResource(ConfigResourceType.TOPIC, topic["name"], topic["configs"]) for topic in kept]
            )


def _creation(topic: dict[str, Any]) -> dict[str, Any]:
    return {"num_partitions": topic["partitions"], "replication_factor": 1, "configs": topic["configs"]}
