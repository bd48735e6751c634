"""A one-node Kafka in KRaft mode (no ZooKeeper): broker and controller in one JVM, on 127.0.0.1."""

import secrets
from collections.abc import Mapping
from pathlib import Path

from environments.embedded import jars, kafka_topics
from environments.embedded.commands import run
from environments.embedded.files import write_atomically
from environments.embedded.home import Home
from environments.embedded.java import java
from environments.embedded.ports import HOST, answers
from environments.embedded.service import Say, Service
from infra import server_settings
from infra.config import PlatformConfig
from infra.platform import KafkaEndpoint

NAME = "kafka"
CONTROLLER = "kafka-controller"
_NODE = 1
_LOG4J = Path(__file__).with_name("kafka-log4j2.yaml")


def endpoint(config: PlatformConfig, port: int) -> KafkaEndpoint:
    """Return the endpoint; `orders_cleaned` only if it is configured."""
    cleaned = "orders_cleaned" if config.kafka.cleaned_topic else ""
    return KafkaEndpoint(
        bootstrap_servers=f"{HOST}:{port}", orders_topic=config.kafka.orders_topic, cleaned_topic=cleaned
    )


def folder(home: Home) -> Path:
    """Return the broker's folder: its configuration, and its data below."""
    return home.root / "kafka"


def _properties(home: Home) -> Path:
    return folder(home) / "server.properties"


def initialise(home: Home, config: PlatformConfig, ports: Mapping[str, int], say: Say) -> None:
    """Write the broker's configuration and, the first time, format its storage."""
    folder(home).mkdir(mode=0o700, exist_ok=True)
    lines = [f"{name}={value}" for name, value in _settings(home, config, ports).items()]
    write_atomically(_properties(home), "\n".join(lines) + "\n")
    if (folder(home) / "data" / "meta.properties").exists():
        return
    say("formatting Kafka's storage")
    cluster = secrets.token_urlsafe(16)[:22].replace("-", "x")  # a leading dash would read as an option
    command = [*_java(64), "kafka.tools.StorageTool", "format", "--ignore-formatted", "-t", cluster]
    run("formatting Kafka's storage", [*command, "-c", str(_properties(home))], home.log("setup"))


def service(home: Home, config: PlatformConfig, port: int) -> Service:
    """Return the broker; SIGTERM is its clean shutdown."""
    return Service(
        name=NAME,
        command=(*_java(config.kafka.heap_mb), "kafka.Kafka", str(_properties(home))),
        ready=lambda: answers(port) and kafka_topics.broker_answers(f"{HOST}:{port}"),
        after=("kafka-files",),
        folder=folder(home),
        # Recovery after a kill reads the unflushed segments again.
        ready_timeout_s=300,
        address=f"{HOST}:{port}",
    )


def _java(heap_mb: int) -> tuple[str, ...]:
    options = (
        f"-Xmx{heap_mb}m",
        f"-Xms{heap_mb // 2}m",
        "-Djava.awt.headless=true",
        "-XX:MaxGCPauseMillis=20",
    )
    classpath = str(jars.KAFKA.folder / "*")
    return (java(), *options, f"-Dlog4j2.configurationFile={_LOG4J}", "-cp", classpath)


def _settings(home: Home, config: PlatformConfig, ports: Mapping[str, int]) -> dict[str, str]:
    broker, controller = f"{HOST}:{ports[NAME]}", f"{HOST}:{ports[CONTROLLER]}"
    return {
        **server_settings.single_broker(config.kafka),
        "node.id": str(_NODE),
        # Static voters: the newer dynamic quorum keeps the controller's port in its data; ours may change.
        "controller.quorum.voters": f"{_NODE}@{controller}",
        "listeners": f"PLAINTEXT://{broker},CONTROLLER://{controller}",
        "advertised.listeners": f"PLAINTEXT://{broker}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs": str(folder(home) / "data"),
    }
