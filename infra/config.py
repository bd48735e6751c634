"""The platform's configuration: what a person may choose, validated once."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator


class ConfigError(ValueError):
    """A configuration that can't be used; the message names key, value, what is allowed and the source."""


class _Section(BaseModel):
    # Strict, or `port = true` would be port 1.
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class PostgresConfig(_Section):
    """PostgreSQL: `port` is the wished one; the embedded environment takes a free one if it is in use."""

    port: int = Field(default=5432, ge=1, le=65535)
    database: str = Field(default="ecom", pattern=r"^[a-z][a-z0-9_]{0,62}$")
    shared_buffers_mb: int = Field(default=512, ge=16, le=65536)

    @field_validator("database")
    @classmethod
    def _not_airflows(cls, name: str) -> str:
        if name == "airflow":
            raise ValueError("is the name of the database that holds Airflow's metadata; choose another one")
        return name


class KafkaConfig(_Section):
    """Kafka: partitions bound the stream's parallelism; the message limits are in bytes."""

    port: int = Field(default=9092, ge=1, le=65535)
    partitions: int = Field(default=4, ge=1, le=256)
    retention_hours: int = Field(default=168, ge=1)
    max_message_bytes: int = Field(default=1_048_588, ge=1024, le=10_485_760)
    heap_mb: int = Field(default=512, ge=256, le=32768)
    orders_topic: str = Field(default="orders", pattern=r"^[A-Za-z0-9._-]{1,249}$")
    cleaned_topic: bool = Field(default=False, description="also publish valid orders to orders_cleaned")


class StreamConfig(_Section):
    """The streaming job: `max_offsets_per_trigger` is its back-pressure, `driver_memory_mb` its heap."""

    max_offsets_per_trigger: int = Field(default=400_000, ge=1)
    trigger_interval_ms: int = Field(default=0, ge=0, le=600_000)
    driver_memory_mb: int = Field(default=1536, ge=512, le=65536)


class BatchConfig(_Section):
    """The batch: `quality_retention_days` is how long results of checks are kept, sample rows among them."""

    quality_retention_days: int = Field(default=90, ge=1, le=3650)


class AirflowConfig(_Section):
    """Airflow: `parallelism` is tasks running at once, `refresh_seconds` how soon a changed DAG counts.

    Logs of tasks and metadata of runs are kept for so many days; the latest scheduled run of each DAG stays.
    """

    port: int = Field(default=8080, ge=1, le=65535)
    dags_folder: str = Field(default="dags", min_length=1, description="absolute, or within the repository")
    parallelism: int = Field(default=3, ge=1, le=32)
    refresh_seconds: int = Field(default=30, ge=1, le=3600)
    log_retention_days: int = Field(default=14, ge=1, le=3650)
    metadata_retention_days: int = Field(default=90, ge=1, le=3650)


class DashboardsConfig(_Section):
    """The dashboards' page."""

    port: int = Field(default=8050, ge=1, le=65535)


class PlatformConfig(_Section):
    """The whole configuration; every key has a default that works on a laptop."""

    postgres: PostgresConfig = PostgresConfig()
    kafka: KafkaConfig = KafkaConfig()
    stream: StreamConfig = StreamConfig()
    batch: BatchConfig = BatchConfig()
    airflow: AirflowConfig = AirflowConfig()
    dashboards: DashboardsConfig = DashboardsConfig()

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any], source: str) -> "PlatformConfig":
        """Validate `values`; raise ConfigError naming each wrong key and `source`."""
        try:
            return cls.model_validate(dict(values))
        except ValidationError as error:
            raise ConfigError(_explain(error, source)) from None

    @classmethod
    def from_toml(cls, path: Path) -> "PlatformConfig":
        """Read a TOML file; raise ConfigError if it is missing, unreadable or wrong."""
        try:
            values = tomllib.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
        except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise ConfigError(f"{path}: cannot be read as TOML: {error}") from None
        return cls.from_mapping(values, str(path))


def _explain(error: ValidationError, source: str) -> str:
    lines = []
    for item in error.errors():
        key = ".".join(str(part) for part in item["loc"])
        if item["type"] == "extra_forbidden":
            lines.append(f"{key}: unknown key (read from {source}); allowed: {_siblings(item['loc'])}")
        else:
            lines.append(f"{key} = {item['input']!r} (read from {source}): {item['msg']}")
    return "\n".join(lines)


def _siblings(location: tuple[int | str, ...]) -> str:
    model: type[BaseModel] = PlatformConfig
    for part in location[:-1]:
        annotation = model.model_fields[str(part)].annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            model = annotation
    return ", ".join(sorted(model.model_fields))
