"""Topics of a test's own: made, filled and read to their end."""

import time
import uuid
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import NewTopic

from pipeline.kafka_client import client_options
from pipeline.settings import KafkaSettings

LIMIT = 2_000_000


class Topics:
    """A context that deletes at its end what it made."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._options = client_options(settings)
        self._made: list[str] = []

    def __enter__(self) -> "Topics":
        self._admin = KafkaAdminClient(**self._options)
        return self

    def __exit__(self, *_: object) -> None:
        self._admin.delete_topics(self._made)
        self._admin.close()

    def make(self, prefix: str = "orders", partitions: int = 2, limit: int = LIMIT) -> str:
        """Return the name of a new, empty topic."""
        name = f"{prefix}-{uuid.uuid4().hex[:8]}"
        self._create(name, partitions, limit)
        self._made.append(name)
        return name

    def send(self, topic: str, messages: Sequence[tuple[bytes | None, bytes]], partition: int = 0) -> None:
        """Send (key, value) pairs to one partition, in order."""
        with closing(KafkaProducer(**self._options, acks="all")) as producer:
            sent = [
                producer.send(topic, key=key, value=value, partition=partition) for key, value in messages
            ]
            for future in sent:
                future.get(30)

    def delete_before(self, topic: str, offsets: Mapping[int, int]) -> None:
        """Delete what is below these offsets, as retention does; partition -> first offset that stays."""
        places = {TopicPartition(topic, partition): offset for partition, offset in offsets.items()}
        self._admin.delete_records(places)

    def delete(self, topic: str) -> None:
        """Delete a topic, if it is there, and wait until it is gone."""
        if topic in self._admin.list_topics():
            self._admin.delete_topics([topic])
        while topic in self._admin.list_topics():
            time.sleep(0.05)  # a poll of the brokers, which delete in the background

    def recreate(self, topic: str, partitions: int = 2) -> None:
        """Delete a topic, if it is there, and make it again, empty."""
        self.delete(topic)
        self._create(topic, partitions, LIMIT)

    def _create(self, topic: str, partitions: int, limit: int) -> None:
        configs = {"max.message.bytes": str(limit)}
        self._admin.create_topics([NewTopic(topic, partitions, 1, topic_configs=configs)])

    def read(self, topic: str) -> list[Any]:
        """Return what the topic holds now."""
        options = self._options | {"auto_offset_reset": "earliest", "group_id": None}
        found: list[Any] = []
        with closing(KafkaConsumer(**options)) as consumer:
            places = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic)]
            consumer.assign(places)
            end = consumer.end_offsets(places)
            while any(consumer.position(place) < end[place] for place in places):
                for records in consumer.poll(timeout_ms=500).values():
                    found.extend(records)
        return found
