"""The injected variables, parsed once into frozen typed settings.

The variables are those of `infra.platform.Platform.as_env()`. They are read from the process environment or,
where `ECOM_ENV_FILE` names a file of NAME=value lines, from that file (`env_file.py`); the environment wins.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from pipeline import env_file
from pipeline.secret_values import SecretError, resolve

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
        return resolve(self.password_reference(role))

    def password_reference(self, role: Role) -> str:
        """Return where the role's password is."""
        return str(getattr(self, f"{role}_password_ref"))


class KafkaSettings(BaseSettings):
    """Brokers and topic names; an empty `cleaned_topic` switches orders_cleaned off."""

    model_config = SettingsConfigDict(env_prefix="ECOM_KAFKA_", frozen=True, extra="ignore")

    bootstrap_servers: Annotated[str, Field(pattern=r"^[^,\s:]+:\d+(,[^,\s:]+:\d+)*$")]
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_SSL"]
    sasl_mechanism: Literal["", "AWS_MSK_IAM"]
    orders_topic: NonEmpty
    dlq_topic: NonEmpty
    cleaned_topic: str

    @field_validator("sasl_mechanism")
    @classmethod
    def _signs_in_by_tls_only(cls, value: str, told: ValidationInfo) -> str:
        if value and told.data.get("security_protocol") != "SASL_SSL":
            raise ValueError("only with ECOM_KAFKA_SECURITY_PROTOCOL=SASL_SSL")
        return value


class SparkSettings(BaseSettings):
    """How to open a Spark session: `jars` are comma-separated paths, `jvm_options` go to the driver's JVM."""

    model_config = SettingsConfigDict(env_prefix="ECOM_SPARK_", frozen=True, extra="ignore")

    master: NonEmpty
    launcher: Literal["local", "submit", "emr_serverless"]
    jars: str
    driver_memory: Annotated[str, Field(pattern=r"^\d+[mg]$")]
    jvm_options: str


class EmrServerlessSettings(BaseSettings):
    """The EMR Serverless application that runs jobs, where the launcher is `emr_serverless`."""

    model_config = SettingsConfigDict(env_prefix="ECOM_EMR_", frozen=True, extra="ignore")

    application_id: NonEmpty
    execution_role_arn: Annotated[str, Field(pattern=r"^arn:aws[a-z-]*:iam::\d+:role/.+$")]
    entry_point: NonEmpty
    submit_parameters: str


class EmrStreamSettings(BaseSettings):
    """The application and the program of the streaming job there; empty where another keeps it running."""

    model_config = SettingsConfigDict(env_prefix="ECOM_EMR_STREAM_", frozen=True, extra="ignore")

    application_id: str
    entry_point: str
    submit_parameters: str


class StreamSettings(BaseSettings):
    """Pace of the streaming job: events per micro-batch at most, and milliseconds between triggers.

    `give_up_after_s` is how long a start waits for servers, migrations and topics that are not there yet.
    """

    model_config = SettingsConfigDict(env_prefix="ECOM_STREAM_", frozen=True, extra="ignore")

    max_offsets_per_trigger: int = Field(ge=1)
    trigger_interval_ms: int = Field(ge=0)
    give_up_after_s: int = Field(ge=1)


class BatchSettings(BaseSettings):
    """The batch: how many days results of quality checks are kept."""

    model_config = SettingsConfigDict(env_prefix="ECOM_BATCH_", frozen=True, extra="ignore")

    quality_retention_days: int = Field(ge=1)


class AirflowSettings(BaseSettings):
    """Airflow's REST API; user and reference are empty where nobody signs in with a password."""

    model_config = SettingsConfigDict(
        env_prefix="ECOM_AIRFLOW_", frozen=True, extra="ignore", hide_input_in_errors=True
    )

    url: Annotated[str, Field(pattern=r"^https?://[^/\s]+$")]
    admin_user: str
    admin_password_ref: Literal[""] | SecretReference

    def admin_password(self) -> str:
        """Resolve the admin's password; raise SecretError if its reference leads nowhere, or is empty."""
        if not self.admin_password_ref:
            raise SecretError("ECOM_AIRFLOW_ADMIN_PASSWORD_REF is empty: this Airflow knows no passwords")
        return resolve(self.admin_password_ref)


class MetricsSettings(BaseSettings):
    """Where measurements go that alarms wait for: a namespace of CloudWatch; empty: nowhere."""

    model_config = SettingsConfigDict(env_prefix="ECOM_METRICS_", frozen=True, extra="ignore")

    namespace: str


class MetabaseSettings(BaseSettings):
    """A Metabase to put the dashboards into.

    `postgres_host` and `postgres_port` are the warehouse as it sees it; empty and 0: as we see it ourselves.
    `postgres_sslrootcert` is a file of its own too: the certificates that it verifies the warehouse with.
    """

    model_config = SettingsConfigDict(
        env_prefix="ECOM_METABASE_", frozen=True, extra="ignore", hide_input_in_errors=True
    )

    url: Annotated[str, Field(pattern=r"^https?://\S*[^/\s]$")]
    admin_email: Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")]
    admin_password_ref: SecretReference
    postgres_host: str
    postgres_port: int = Field(ge=0, le=65535)
    postgres_sslrootcert: str

    def admin_password(self) -> str:
        """Resolve the admin's password; raise SecretError if its reference leads nowhere."""
        return resolve(self.admin_password_ref)


class DashboardsSettings(BaseSettings):
    """Where people look at dashboards; the embedded environment's page listens on the port."""

    model_config = SettingsConfigDict(env_prefix="ECOM_DASHBOARDS_", frozen=True, extra="ignore")

    url: Annotated[str, Field(pattern=r"^https?://[^/\s]+$")]

    @property
    def port(self) -> int:
        """The URL's port, that of its scheme where it names none."""
        parts = urlsplit(self.url)
        return parts.port or {"http": 80, "https": 443}[parts.scheme]


class StorageSettings(BaseSettings):
    """Durable storage: `checkpoints` is a URI that Spark can write to."""

    model_config = SettingsConfigDict(env_prefix="ECOM_STORAGE_", frozen=True, extra="ignore")

    checkpoints: NonEmpty


ALL_SETTINGS = (
    EmrStreamSettings,
    EmrServerlessSettings,
    PostgresSettings,
    KafkaSettings,
    SparkSettings,
    StreamSettings,
    BatchSettings,
    AirflowSettings,
    MetabaseSettings,
    DashboardsSettings,
    StorageSettings,
    MetricsSettings,
)
_HOW_TO_START = (EmrServerlessSettings, EmrStreamSettings)
SettingsT = TypeVar("SettingsT", bound=BaseSettings)


def load(kind: type[SettingsT]) -> SettingsT:
    """Parse one group of settings; raise SettingsError with a line for each missing or wrong variable."""
    file = env_file_variables()
    try:
        return from_variables(kind, file | os.environ)
    except ValidationError as error:
        prefix = kind.model_config["env_prefix"]
        raise SettingsError(_explain(error, prefix, os.environ.get(env_file.VARIABLE))) from None


def job_variables() -> dict[str, str]:
    """Return the contract's variables as this process has them, for a job that is started elsewhere.

    Without those that say how to start it.
    """
    kinds = [kind for kind in ALL_SETTINGS if kind not in _HOW_TO_START]
    names = {
        f"{kind.model_config['env_prefix']}{name}".upper() for kind in kinds for name in kind.model_fields
    }
    return {name: value for name, value in (env_file_variables() | os.environ).items() if name in names}


def from_variables(kind: type[SettingsT], variables: Mapping[str, str]) -> SettingsT:
    """Build one group of settings from these variables; they win over the process environment."""
    names = {field: f"{kind.model_config['env_prefix']}{field}".upper() for field in kind.model_fields}
    return kind.model_validate({field: variables[name] for field, name in names.items() if name in variables})


def env_file_variables() -> dict[str, str]:
    """Return what the file named by ECOM_ENV_FILE holds, nothing without one; raise SettingsError."""
    name = os.environ.get(env_file.VARIABLE)
    try:
        return env_file.parse(Path(name).read_text(encoding="utf-8")) if name else {}
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{env_file.VARIABLE}={name!r}: cannot be read: {error}") from None


def _explain(error: ValidationError, prefix: str, file: str | None) -> str:
    lines = []
    for item in error.errors():
        variable = f"{prefix}{item['loc'][0]}".upper()
        source = "the process environment" if variable in os.environ or not file else file
        if item["type"] == "missing":
            lines.append(f"{variable} is not set (looked in {_places(file)}); `ecom env` prints it")
        elif variable.endswith("_REF"):
            # A password pasted where its reference belongs must not be printed.
            lines.append(f"{variable} (from {source}): {item['msg']}")
        else:
            lines.append(f"{variable}={item['input']!r} (from {source}): {item['msg']}")
    return "\n".join(lines)


def _places(file: str | None) -> str:
    return f"the process environment and {file}" if file else "the process environment"
