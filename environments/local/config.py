"""Stack config, parsed once: the platform's configuration and what only Docker asks for.

Pulumi's config is flat, so `postgresPort` is `postgres.port` here; `Pulumi.yaml` declares every key, and a
test compares the two.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from environments.local import versions
from infra import stack_config
from infra.config import ConfigError, PlatformConfig
from infra.stack_config import NOTHING, PROJECT, Declared, Key, flat, platform_keys, section_keys

# The image holds the DAGs.
_NOT_HERE = {("airflow", "dags_folder")}
# What a JVM or PostgreSQL needs beside its heap or its shared buffers.
_OVERHEAD_MB = 256
_REFERENCE = r"^[a-z0-9][a-z0-9._:/-]*(@sha256:[0-9a-f]{64})?$"


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Images(_Section):
    """References of the images; whoever mirrors or builds them says so here."""

    python: str = Field(
        versions.PYTHON, pattern=_REFERENCE, description="base of our image; Debian with Python"
    )
    postgres: str = Field(versions.POSTGRES, pattern=_REFERENCE, description="PostgreSQL")
    kafka: str = Field(versions.KAFKA, pattern=_REFERENCE, description="Kafka broker")
    metabase: str = Field(versions.METABASE, pattern=_REFERENCE, description="Metabase")


class Memory(_Section):
    """The most that each container may take, in MB."""

    postgres: int = Field(1024, ge=256, description="PostgreSQL")
    kafka: int = Field(1024, ge=512, description="Kafka broker")
    spark_master: int = Field(512, ge=384, description="Spark master")
    spark_worker: int = Field(3072, ge=1024, description="Spark worker with its executors")
    stream: int = Field(2560, ge=1024, description="streaming job's driver")
    airflow_api: int = Field(1024, ge=512, description="Airflow's API server")
    airflow_scheduler: int = Field(
        3584, ge=1024, description="Airflow's scheduler with its tasks, the batch's drivers too"
    )
    airflow_dag_processor: int = Field(768, ge=384, description="Airflow's DAG processor")
    airflow_triggerer: int = Field(768, ge=384, description="Airflow's triggerer")
    airflow_cleaner: int = Field(512, ge=384, description="what deletes Airflow's old logs and metadata")
    dashboards: int = Field(512, ge=256, description="dashboards' page")
    metabase: int = Field(1536, ge=1024, description="Metabase; six tenths are its heap")
    producer: int = Field(512, ge=256, description="producer of live orders")
    setup: int = Field(1024, ge=512, description="each container that runs once")


def _cores(default: str, description: str) -> Any:
    return Field(default, pattern=r"^(0\.[1-9]|[1-9]\d?(\.[1-9])?)$", description=description)


class Cpus(_Section):
    """The most cores that each container may take, e.g. "1.5"; no more than the engine has."""

    postgres: str = _cores("2", "PostgreSQL")
    kafka: str = _cores("1", "Kafka broker")
    spark_master: str = _cores("1", "Spark master")
    spark_worker: str = _cores("2", "Spark worker with its executors")
    stream: str = _cores("1.5", "streaming job's driver")
    airflow_api: str = _cores("1", "Airflow's API server")
    airflow_scheduler: str = _cores("2", "Airflow's scheduler with its tasks, the batch's drivers too")
    airflow_dag_processor: str = _cores("1", "Airflow's DAG processor")
    airflow_triggerer: str = _cores("1", "Airflow's triggerer")
    airflow_cleaner: str = _cores("1", "what deletes Airflow's old logs and metadata")
    dashboards: str = _cores("1", "dashboards' page")
    metabase: str = _cores("2", "Metabase")
    producer: str = _cores("1", "producer of live orders")
    setup: str = _cores("2", "each container that runs once")


@dataclass(frozen=True)
class Limit:
    """The most that one container may take."""

    memory_mb: int
    cpus: str


@dataclass(frozen=True)
class Limits:
    """The limits of all containers, by the names of their keys."""

    memory: Memory
    cpus: Cpus

    def of(self, name: str) -> Limit:
        """Return one container's."""
        # As the engine tells it, or every update would find a difference.
        return Limit(getattr(self.memory, name), str(float(getattr(self.cpus, name))))


class Spark(_Section):
    """The cluster: cores are shares of the worker, so that the stream never starves the batch."""

    master_port: int = Field(8081, ge=1, le=65535, description="port of Spark's web page")
    stream_cores: int = Field(
        2, ge=1, le=256, description="cores of the worker that the streaming job may take"
    )
    batch_cores: int = Field(1, ge=1, le=256, description="cores of the worker that a batch step may take")
    executor_memory_mb: int = Field(768, ge=512, description="heap of each executor")


class Secrets(_Section):
    """Generated passwords."""

    length: int = Field(32, ge=16, le=128, description="length of each generated password")


class Metabase(_Section):
    """Metabase, which gets the dashboards as soon as it is up."""

    enabled: bool = Field(True, description="run a Metabase, with a database of its own")
    port: int = Field(3000, ge=1, le=65535, description="published port of Metabase on 127.0.0.1")
    admin_email: str = Field(
        "admin@example.com", pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$", description="who logs in as administrator"
    )


class Producer(_Section):
    """Live orders, for a stack that should have something to do."""

    rate: int = Field(0, ge=0, le=100_000, description="orders per second; 0: no producer")


class Seed(_Section):
    """Past orders, for a stack that should have something to show."""

    orders: int = Field(
        0, ge=0, le=10_000_000, description="past orders to load into an empty warehouse; 0: none"
    )


class Data(_Section):
    """What happens to volumes and passwords."""

    protect: bool = Field(True, description="refuse to destroy volumes and passwords")


class LocalConfig(_Section):
    """Everything that stack config may say; every key has a default that works on a laptop."""

    platform: PlatformConfig = PlatformConfig()
    images: Images = Images()  # type: ignore[call-arg]
    memory: Memory = Memory()  # type: ignore[call-arg]
    cpus: Cpus = Cpus()
    spark: Spark = Spark()  # type: ignore[call-arg]
    metabase: Metabase = Metabase()  # type: ignore[call-arg]
    producer: Producer = Producer()  # type: ignore[call-arg]
    seed: Seed = Seed()  # type: ignore[call-arg]
    secrets: Secrets = Secrets()  # type: ignore[call-arg]
    data: Data = Data()  # type: ignore[call-arg]

    @property
    def limits(self) -> Limits:
        """What each container may take."""
        return Limits(self.memory, self.cpus)

    @property
    def ports(self) -> dict[str, int]:
        """The ports that are published on 127.0.0.1, by their keys."""
        whole = self.platform
        found = {
            "postgresPort": whole.postgres.port,
            "kafkaPort": whole.kafka.port,
            "airflowPort": whole.airflow.port,
            "dashboardsPort": whole.dashboards.port,
            "sparkMasterPort": self.spark.master_port,
        }
        return found | ({"metabasePort": self.metabase.port} if self.metabase.enabled else {})

    @model_validator(mode="after")
    def _each_port_once(self) -> "LocalConfig":
        seen: dict[int, str] = {}
        for key, port in self.ports.items():
            if other := seen.get(port):
                raise ValueError(f"{key} = {port}: {other} has the same port")
            seen[port] = key
        return self

    @model_validator(mode="after")
    def _a_database_of_its_own(self) -> "LocalConfig":
        if self.platform.postgres.database == "metabase":
            raise ValueError("postgresDatabase = 'metabase': that is where Metabase keeps its own")
        return self

    @model_validator(mode="after")
    def _enough_memory(self) -> "LocalConfig":
        postgres, kafka, stream = self.platform.postgres, self.platform.kafka, self.platform.stream
        needed = {
            "postgres": (postgres.shared_buffers_mb, "postgresSharedBuffersMb"),
            "kafka": (kafka.heap_mb, "kafkaHeapMb"),
            # The driver's Python beside its JVM; the stream and a batch step each have an executor.
            "stream": (stream.driver_memory_mb + _OVERHEAD_MB, "streamDriverMemoryMb"),
            # A batch's driver likewise, beside the scheduler and its tasks' processes.
            "airflow_scheduler": (stream.driver_memory_mb + 2 * _OVERHEAD_MB, "streamDriverMemoryMb"),
            "spark_worker": (2 * self.spark.executor_memory_mb + _OVERHEAD_MB, "sparkExecutorMemoryMb"),
        }
        for name, (megabytes, key) in needed.items():
            least, given = megabytes + _OVERHEAD_MB, getattr(self.memory, name)
            if given < least:
                raise ValueError(f"{flat('memory', name)} = {given}: {key} needs at least {least} MB")
        return self


def keys() -> Iterator[Key]:
    """Yield each key of stack config, where it belongs in LocalConfig, and its field."""
    yield from platform_keys(_NOT_HERE)
    for name, field in LocalConfig.model_fields.items():
        if name != "platform":
            yield from section_keys(name, field.annotation)  # type: ignore[arg-type]


def parse(values: Mapping[str, str], source: str, declared: Declared = NOTHING) -> LocalConfig:
    """Return the configuration of `ecom:…` keys; raise ConfigError with a line for each wrong one.

    `declared` is Pulumi.yaml's config, with the defaults of the AWS environment's keys.
    """
    return stack_config.parse(LocalConfig, keys(), values, source, declared)


def stack_name(name: str) -> str:
    """Return the prefix of all names in a stack; raise ConfigError for one that Docker refuses."""
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,30}", name):
        raise ConfigError(
            f"the stack's name {name!r}: small letters, digits and dashes, at most 31, as Docker wants it"
        )
    return f"{PROJECT}-{name}"
