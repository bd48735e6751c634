"""The injected variables, parsed once into frozen typed settings.

The variables are those of `infra.platform.Platform.as_env()`. They are read from the process environment or,
where `ECOM_ENV_FILE` names a file of NAME=value lines, from that file; the environment wins.
"""

import os
import re
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from pipeline.secret_values import resolve

ENV_FILE_VARIABLE = "ECOM_ENV_FILE"
Role = Literal["admin", "ingest", "etl", "bi_readonly"]


class SettingsError(ValueError):
    """Settings that can't be used; the message names variable, value, what is allowed and the source."""


# The same as infra.secret_refs allows; a test compares both ends.
_REFERENCE = re.compile(r"file:/.+|arn:aws[a-z-]*:secretsmanager:.+")


def _reference(value: str) -> str:
    if not _REFERENCE.fullmatch(value):
        raise ValueError("must be a reference: file:/absolute/path or arn:aws:secretsmanager:…, not a secret")
    return value


SecretReference = Annotated[str, AfterValidator(_reference)]
NonEmpty = Annotated[str, Field(min_length=1)]


class PostgresSettings(BaseSettings):
    """Connection to the warehouse; `password(role)` resolves that role's reference."""

    # Pydantic prints a refused input; here it may be a password pasted where its reference belongs.
    model_config = SettingsConfigDict(
        env_prefix="ECOM_POSTGRES_", frozen=True, extra="ignore", hide_input_in_errors=True
    )

    host: NonEmpty
    port: int = Field(ge=1, le=65535)
    database: NonEmpty
    sslmode: Literal["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]
    sslrootcert: str
    admin_user: NonEmpty
    admin_password_ref: SecretReference
    ingest_password_ref: SecretReference
    etl_password_ref: SecretReference
    bi_readonly_password_ref: SecretReference

    def user(self, role: Role) -> str:
        """Return the database user of a role; only the admin's name differs between environments."""
        return self.admin_user if role == "admin" else role

    def password(self, role: Role) -> str:
        """Resolve the role's password; raise SecretError if its reference leads nowhere."""
        return resolve(getattr(self, f"{role}_password_ref"))


class KafkaSettings(BaseSettings):
    """Brokers and topic names; an empty `cleaned_topic` switches orders_cleaned off."""

    model_config = SettingsConfigDict(env_prefix="ECOM_KAFKA_", frozen=True, extra="ignore")

    bootstrap_servers: Annotated[str, Field(pattern=r"^[^,\s:]+:\d+(,[^,\s:]+:\d+)*$")]
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_SSL"]
    sasl_mechanism: Literal["", "AWS_MSK_IAM"]
    orders_topic: NonEmpty
    dlq_topic: NonEmpty
    cleaned_topic: str


class SparkSettings(BaseSettings):
    """How to open a Spark session; `jars` are comma-separated paths."""

    model_config = SettingsConfigDict(env_prefix="ECOM_SPARK_", frozen=True, extra="ignore")

    master: NonEmpty
    jars: str
    driver_memory: Annotated[str, Field(pattern=r"^\d+[mg]$")]


class StreamSettings(BaseSettings):
    """Pace of the streaming job: events per micro-batch at most, and milliseconds between triggers.

    `give_up_after_s` is how long a start waits for servers, migrations and topics that are not there yet.
    """

    model_config = SettingsConfigDict(env_prefix="ECOM_STREAM_", frozen=True, extra="ignore")

    max_offsets_per_trigger: int = Field(ge=1)
    trigger_interval_ms: int = Field(ge=0)
    give_up_after_s: int = Field(ge=1)


class StorageSettings(BaseSettings):
    """Durable storage: `checkpoints` is a URI that Spark can write to."""

    model_config = SettingsConfigDict(env_prefix="ECOM_STORAGE_", frozen=True, extra="ignore")

    checkpoints: NonEmpty


ALL_SETTINGS = (PostgresSettings, KafkaSettings, SparkSettings, StreamSettings, StorageSettings)
SettingsT = TypeVar("SettingsT", bound=BaseSettings)


def load(kind: type[SettingsT]) -> SettingsT:
    """Parse one group of settings; raise SettingsError with a line for each missing or wrong variable."""
    env_file = _env_file()
    try:
        return kind(_env_file=env_file)
    except ValidationError as error:
        prefix = kind.model_config["env_prefix"]
        raise SettingsError(_explain(error, prefix, env_file)) from None


def _env_file() -> str | None:
    name = os.environ.get(ENV_FILE_VARIABLE)
    if not name:
        return None
    try:
        Path(name).read_text(encoding="utf-8")  # pydantic-settings passes over a missing file in silence
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{ENV_FILE_VARIABLE}={name!r}: cannot be read: {error}") from None
    return name


def _explain(error: ValidationError, prefix: str, env_file: str | None) -> str:
    lines = []
    for item in error.errors():
        variable = f"{prefix}{item['loc'][0]}".upper()
        source = "the process environment" if variable in os.environ or not env_file else env_file
        if item["type"] == "missing":
            lines.append(f"{variable} is not set (looked in {_places(env_file)}); `ecom env` prints it")
        elif variable.endswith("_REF"):
            # A password pasted where its reference belongs must not be printed.
            lines.append(f"{variable} (from {source}): {item['msg']}")
        else:
            lines.append(f"{variable}={item['input']!r} (from {source}): {item['msg']}")
    return "\n".join(lines)


def _places(env_file: str | None) -> str:
    return f"the process environment and {env_file}" if env_file else "the process environment"
