"""The contract as this environment fulfils it, and the units that make it true."""

import sys
from dataclasses import dataclass
from pathlib import Path

from environments.embedded import (
    airflow,
    dashboards,
    jars,
    kafka,
    kafka_topics,
    postgres,
    postgres_databases,
    spark,
    storage,
)
from environments.embedded.commands import run
from environments.embedded.errors import EnvironmentFailed
from environments.embedded.files import write_atomically
from environments.embedded.home import REPOSITORY, Home, default_home
from environments.embedded.service import Say, Step, Unit
from infra.config import PlatformConfig
from infra.platform import BatchEndpoint, Platform

SERVICES = (postgres.NAME, kafka.NAME, spark.NAME, dashboards.NAME, airflow.NAME)


def env_file() -> Path:
    """Return the file that `ecom up` writes the platform's variables to."""
    return Home(default_home()).env_file


def load_config(path: Path | None = None) -> PlatformConfig:
    """Read the given file, else the repository's ecom.toml, else the defaults; raise ConfigError."""
    default = REPOSITORY / "ecom.toml"
    if path is None and not default.exists():
        return PlatformConfig()
    return PlatformConfig.from_toml(path or default)


@dataclass(frozen=True)
class Plan:
    """What to run: all services or some; tests put a stand-in in the place of the stream's command."""

    home: Home
    config: PlatformConfig
    services: tuple[str, ...] = SERVICES
    stream_command: tuple[str, ...] = spark.COMMAND

    def __post_init__(self) -> None:
        """Refuse services that can't run without one that is left out."""
        if airflow.NAME in self.services and postgres.NAME not in self.services:
            raise EnvironmentFailed(
                f"{airflow.NAME} keeps its metadata in {postgres.NAME}: run both or neither"
            )

    def wished_ports(self) -> dict[str, int]:
        """Return the port that each listener would like to have."""
        broker = self.config.kafka.port
        controller = broker + 1 if broker < 65535 else broker - 1
        return {
            postgres.NAME: self.config.postgres.port,
            kafka.NAME: broker,
            kafka.CONTROLLER: controller,
            airflow.NAME: self.config.airflow.port,
            dashboards.NAME: self.config.dashboards.port,
        }

    def platform(self, ports: dict[str, int]) -> Platform:
        """Return the contract; the connectors must have been resolved."""
        return Platform(
            postgres=postgres.endpoint(self.home, self.config, ports[postgres.NAME]),
            kafka=kafka.endpoint(self.config, ports[kafka.NAME]),
            spark=spark.endpoint(self.config, jars.connector_jars()),
            airflow=airflow.endpoint(self.home, ports[airflow.NAME]),
            dashboards=dashboards.endpoint(ports[dashboards.NAME]),
            storage=storage.endpoint(self.home),
            batch=BatchEndpoint(quality_retention_days=self.config.batch.quality_retention_days),
        )

    def preparation(self) -> list[Unit]:
        """Return the steps that need no port yet."""
        steps: list[Unit] = [Step("jars", self._fetch_jars)]
        if postgres.NAME in self.services:
            steps.append(Step("postgres-files", lambda say: postgres.initialise(self.home, say)))
        return steps

    def units(self, platform: Platform, ports: dict[str, int]) -> list[Unit]:
        """Return the services and the steps between them."""
        units: list[Unit] = []
        if postgres.NAME in self.services:
            units += self._postgres_units(platform, ports[postgres.NAME])
        if kafka.NAME in self.services:
            units += self._kafka_units(platform, ports)
        if spark.NAME in self.services:
            # It waits for database and topic itself, so that the JVM's slow start overlaps with theirs.
            units.append(spark.service(self.home, platform.as_env(), self.stream_command))
        # Side by side all would be slow on few cores, and orders are what people wait for.
        first = (spark.NAME,) if spark.NAME in self.services else ()
        if dashboards.NAME in self.services:
            units.append(dashboards.service(platform.as_env(), ports[dashboards.NAME], first))
            first = (dashboards.NAME,)
        if airflow.NAME in self.services:
            units += airflow.units(self.home, self.config, platform.as_env(), ports, first)
        return units

    def _postgres_units(self, platform: Platform, port: int) -> list[Unit]:
        def migrate(say: Say) -> None:
            postgres_databases.create_warehouse(self.home, self.config, port)
            command = [sys.executable, "-m", "pipeline.migrate"]
            run("the migration", command, self.home.log("setup"), env=platform.as_env(), folder=REPOSITORY)

        return [
            postgres.service(self.home, self.config, port),
            Step("migrations", migrate, after=(postgres.NAME,)),
        ]

    def _kafka_units(self, platform: Platform, ports: dict[str, int]) -> list[Unit]:
        def initialise(say: Say) -> None:
            kafka.initialise(self.home, self.config, ports, say)

        def ensure_topics(say: Say) -> None:
            kafka_topics.ensure_topics(platform.kafka, self.config)

        return [
            Step("kafka-files", initialise, after=("jars",)),
            kafka.service(self.home, self.config, ports[kafka.NAME]),
            Step("topics", ensure_topics, after=(kafka.NAME,)),
        ]

    def _fetch_jars(self, say: Say) -> None:
        if kafka.NAME in self.services:
            jars.kafka_jars(say)
        jars.connector_jars(say)


def write_env_file(home: Home, platform: Platform) -> None:
    """Write the variables as NAME=value lines, each value as it is."""
    lines = [f"{name}={value}" for name, value in platform.as_env().items()]
    write_atomically(home.env_file, "\n".join(lines) + "\n")
