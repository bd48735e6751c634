"""Print server.properties as the official image makes it of KAFKA_* variables."""

import os

_NOT_PROPERTIES = ("KAFKA_HEAP_OPTS", "KAFKA_OPTS", "KAFKA_JVM_PERFORMANCE_OPTS", "KAFKA_VERSION")
_DEFAULTS = {
    "node.id": "1",
    "process.roles": "broker,controller",
    "controller.quorum.voters": "1@localhost:9093",
    "controller.listener.names": "CONTROLLER",
    "listeners": "PLAINTEXT://:9092,CONTROLLER://:9093",
    "advertised.listeners": "PLAINTEXT://localhost:9092",
    "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
    "log.dirs": "/tmp/kraft-combined-logs",  # noqa: S108 - in a container, and the official one's
    "offsets.topic.replication.factor": "1",
}


def property_of(variable: str) -> str:
    """Return the property of a variable: `___` is a dash, `__` an underscore, `_` a dot."""
    name = variable.removeprefix("KAFKA_").lower()
    return name.replace("___", "-").replace("__", "\0").replace("_", ".").replace("\0", "_")


def properties(variables: dict[str, str]) -> dict[str, str]:
    """Return the properties; as in the official image, the defaults count only where no variable is set."""
    named = [name for name in variables if name.startswith("KAFKA_") and name not in _NOT_PROPERTIES]
    return {property_of(name): variables[name] for name in sorted(named)} or _DEFAULTS


if __name__ == "__main__":
    for key, value in properties(dict(os.environ)).items():
        print(f"{key}={value}")  # noqa: T201 - its output is the file
