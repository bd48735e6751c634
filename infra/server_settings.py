"""What PostgreSQL and a single Kafka broker are told where we run them ourselves, places apart."""

from infra.config import KafkaConfig, PostgresConfig
from infra.topics import dlq_limit


def postgres(config: PostgresConfig) -> dict[str, str]:
    """Return the server's settings; fsync and synchronous_commit keep their durable defaults."""
    return {
        "shared_buffers": f"{config.shared_buffers_mb}MB",
        "work_mem": "64MB",
        "temp_buffers": "64MB",
        "max_wal_size": "4GB",
        "checkpoint_timeout": "15min",
        "wal_compression": "on",
        "jit": "off",
        "timezone": "UTC",
        "log_timezone": "UTC",
    }


def single_broker(config: KafkaConfig) -> dict[str, str]:
    """Return the properties of a broker that is its own controller and has nobody to replicate to."""
    limit = str(dlq_limit(config))
    return {
        "process.roles": "broker,controller",
        "controller.listener.names": "CONTROLLER",
        "auto.create.topics.enable": "false",
        "num.partitions": str(config.partitions),
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "4",  # one consumer group or two: fifty would only slow the start
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        "group.initial.rebalance.delay.ms": "0",
        # After a kill the broker can't register until its old session has run out: 9 s by default.
        "broker.session.timeout.ms": "4000",
        "broker.heartbeat.interval.ms": "1000",
        # A record every half second that tells other controllers that this one lives; there are none.
        "metadata.max.idle.interval.ms": "0",
        "message.max.bytes": limit,  # the largest topic's limit; each topic has its own
        "replica.fetch.max.bytes": limit,
        "log.retention.hours": str(config.retention_hours),
    }
