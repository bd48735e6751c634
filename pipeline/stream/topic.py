"""What the stream asks of Kafka: Spark's source options, and the offsets that a topic holds now."""

from contextlib import closing

from kafka import KafkaConsumer, TopicPartition

from pipeline.kafka_client import answering, reader_options
from pipeline.settings import KafkaSettings
from pipeline.stream.offsets import TopicMissing, TopicRange

REQUEST_TIMEOUT_MS = 30_000
# Kafka's own client knows only the mechanism's name; a jar beside Spark's connector knows how to sign in.
_SIGN_IN = {
    "AWS_MSK_IAM": {
        "kafka.sasl.jaas.config": "software.amazon.msk.auth.iam.IAMLoginModule required;",
        "kafka.sasl.client.callback.handler.class": "software.amazon.msk.auth.iam.IAMClientCallbackHandler",
    }
}


def spark_options(settings: KafkaSettings) -> dict[str, str]:
    """Return the options of Spark's Kafka source and sink for these brokers."""
    options = {
        "kafka.bootstrap.servers": settings.bootstrap_servers,
        "kafka.security.protocol": settings.security_protocol,
    }
    if settings.sasl_mechanism:
        options |= {"kafka.sasl.mechanism": settings.sasl_mechanism, **_SIGN_IN[settings.sasl_mechanism]}
    return options


def topic_range(settings: KafkaSettings, topic: str) -> TopicRange:
    """Ask the brokers for the first and the next offset of each partition.

    Raises TopicMissing if the topic does not exist, KafkaUnavailable if no broker answers.
    """
    with (
        answering(settings),
        closing(KafkaConsumer(**reader_options(settings), enable_auto_commit=False)) as consumer,
    ):
        numbers = consumer.partitions_for_topic(topic)
        if not numbers:
            raise TopicMissing(f"topic {topic} does not exist on {settings.bootstrap_servers}")
        partitions = [TopicPartition(topic, number) for number in sorted(numbers)]
        begin = consumer.beginning_offsets(partitions)
        end = consumer.end_offsets(partitions)
    return TopicRange(
        topic,
        {place.partition: begin[place] for place in partitions},
        {place.partition: end[place] for place in partitions},
    )
