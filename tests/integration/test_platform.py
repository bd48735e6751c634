"""The embedded platform keeps the contract: what as_env() names can be used."""

import time
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest
from kafka import KafkaAdminClient, KafkaProducer
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import InvalidTimestampError

from infra.platform import Platform


def password(reference: str) -> str:
    return Path(reference.removeprefix("file:")).read_text(encoding="utf-8").strip()


def test_every_role_can_log_in_with_its_own_password(platform: Platform):
    server = platform.postgres
    roles = {
        server.admin_user: server.admin_password,
        "ingest": server.ingest_password,
        "etl": server.etl_password,
        "bi_readonly": server.bi_readonly_password,
    }
    for user, reference in roles.items():
        with closing(
            psycopg2.connect(
                host=server.host,
                port=server.port,
                dbname=server.database,
                user=user,
                password=password(reference),
                sslmode=server.sslmode,
            )
        ) as connection:
            assert connection.info.user == user


def test_a_wrong_password_is_refused(platform: Platform):
    server = platform.postgres
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        psycopg2.connect(
            host=server.host, port=server.port, dbname=server.database, user="etl", password="wrong"
        )


def test_the_dlq_takes_larger_messages_than_its_source(platform: Platform):
    topics = [platform.kafka.orders_topic, platform.kafka.dlq_topic, platform.kafka.cleaned_topic]
    with closing(KafkaAdminClient(bootstrap_servers=platform.kafka.bootstrap_servers)) as admin:
        assert set(topics) <= set(admin.list_topics())
        resources = [ConfigResource(ConfigResourceType.TOPIC, topic) for topic in topics]
        described = admin.describe_configs(resources)
    limits = {name: int(values["max.message.bytes"]["value"]) for name, values in described["topic"].items()}
    assert limits["orders_dlq"] > limits["orders"] == 1_048_588


def test_an_event_that_retention_would_delete_unread_is_refused(platform: Platform):
    with closing(KafkaProducer(bootstrap_servers=platform.kafka.bootstrap_servers, acks="all")) as producer:
        long_ago = int(time.time() * 1_000) - 169 * 3_600_000  # an hour more than is kept
        old = producer.send(platform.kafka.orders_topic, b"{", timestamp_ms=long_ago)
        with pytest.raises(InvalidTimestampError):
            old.get(30)


def test_connectors_are_local_files_and_none_doubles_what_pyspark_ships(platform: Platform):
    from environments.embedded.ivy import pyspark_jars
    from environments.embedded.jars import module_name

    jars = [Path(jar) for jar in platform.spark.jars.split(",")]
    assert all(jar.is_file() for jar in jars)
    shipped = {module_name(jar) for jar in pyspark_jars().glob("*.jar")}
    assert {module_name(jar) for jar in jars}.isdisjoint(shipped)
    wanted = {"spark-sql-kafka-0-10_2.13", "spark-token-provider-kafka-0-10_2.13", "kafka-clients"}
    assert wanted <= {module_name(jar) for jar in jars}
    assert "postgresql" not in {module_name(jar) for jar in jars}  # JDBC is a benchmark peer's alone
