"""The contract that every environment implements: typed endpoints and one `as_env()`.

`pipeline/` and `producer/` parse the variables named here; a test compares both ends. Each variable is one
field, never a string put together from several, so that a Pulumi Output can stand for any of them.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from infra.secret_refs import OptionalSecretRef, SecretRef

Env = dict[str, str]


class _Endpoint(BaseModel):
    # Pydantic prints a refused input; here it may be a password pasted where its reference belongs.
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class PostgresEndpoint(_Endpoint):
    """Where the warehouse is, and the references of its four roles' passwords."""

    host: str
    port: int = Field(ge=1, le=65535)
    database: str
    sslmode: str = "prefer"
    sslrootcert: str = ""
    admin_user: str
    admin_password: SecretRef
    ingest_password: SecretRef
    etl_password: SecretRef
    bi_readonly_password: SecretRef

    def variables(self) -> Env:
        """Return the ECOM_POSTGRES_* variables."""
        return {
            "ECOM_POSTGRES_HOST": self.host,
            "ECOM_POSTGRES_PORT": str(self.port),
            "ECOM_POSTGRES_DATABASE": self.database,
            "ECOM_POSTGRES_SSLMODE": self.sslmode,
            "ECOM_POSTGRES_SSLROOTCERT": self.sslrootcert,
            "ECOM_POSTGRES_ADMIN_USER": self.admin_user,
            "ECOM_POSTGRES_ADMIN_PASSWORD_REF": self.admin_password,
            "ECOM_POSTGRES_INGEST_PASSWORD_REF": self.ingest_password,
            "ECOM_POSTGRES_ETL_PASSWORD_REF": self.etl_password,
            "ECOM_POSTGRES_BI_READONLY_PASSWORD_REF": self.bi_readonly_password,
        }


class KafkaEndpoint(_Endpoint):
    """Where the brokers are, how to authenticate, and the topics' names."""

    bootstrap_servers: str
    security_protocol: str = "PLAINTEXT"
    sasl_mechanism: str = ""
    orders_topic: str = "orders"
    dlq_topic: str = "orders_dlq"
    cleaned_topic: str = ""

    def variables(self) -> Env:
        """Return the ECOM_KAFKA_* variables."""
        return {
            "ECOM_KAFKA_BOOTSTRAP_SERVERS": self.bootstrap_servers,
            "ECOM_KAFKA_SECURITY_PROTOCOL": self.security_protocol,
            "ECOM_KAFKA_SASL_MECHANISM": self.sasl_mechanism,
            "ECOM_KAFKA_ORDERS_TOPIC": self.orders_topic,
            "ECOM_KAFKA_DLQ_TOPIC": self.dlq_topic,
            "ECOM_KAFKA_CLEANED_TOPIC": self.cleaned_topic,
        }


class SparkEndpoint(_Endpoint):
    """Where Spark runs, how a job gets there, and how the streaming job is paced.

    `launcher`: `local` runs a job in a process of its own here, `submit` gives it to `spark-submit`,
    `emr_serverless` starts a job run. Master, jars, memory and `jvm_options` are for whoever opens a session
    itself and for `submit`; a job that spark-submit has started goes by what that was given.
    """

    master: str
    launcher: Literal["local", "submit", "emr_serverless"] = "local"
    jars: str = ""
    driver_memory: str = "1g"
    jvm_options: str = ""
    max_offsets_per_trigger: int = Field(ge=1)
    trigger_interval_ms: int = Field(ge=0)
    give_up_after_s: int = Field(default=60, ge=1)

    def variables(self) -> Env:
        """Return the ECOM_SPARK_* and ECOM_STREAM_* variables; jars are comma-separated paths."""
        return {
            "ECOM_SPARK_MASTER": self.master,
            "ECOM_SPARK_LAUNCHER": self.launcher,
            "ECOM_SPARK_JARS": self.jars,
            "ECOM_SPARK_DRIVER_MEMORY": self.driver_memory,
            "ECOM_SPARK_JVM_OPTIONS": self.jvm_options,
            "ECOM_STREAM_MAX_OFFSETS_PER_TRIGGER": str(self.max_offsets_per_trigger),
            "ECOM_STREAM_TRIGGER_INTERVAL_MS": str(self.trigger_interval_ms),
            "ECOM_STREAM_GIVE_UP_AFTER_S": str(self.give_up_after_s),
        }


class BatchEndpoint(_Endpoint):
    """How the batch behaves; nothing here says where anything is."""

    quality_retention_days: int = Field(default=90, ge=1)

    def variables(self) -> Env:
        """Return the ECOM_BATCH_* variables."""
        return {"ECOM_BATCH_QUALITY_RETENTION_DAYS": str(self.quality_retention_days)}


class AirflowEndpoint(_Endpoint):
    """Where Airflow's web page and REST API are, and who may use all of it; nobody has a password on AWS."""

    url: str = Field(pattern=r"^https?://[^/\s]+$")
    admin_user: str = ""
    admin_password: OptionalSecretRef = ""

    def variables(self) -> Env:
        """Return the ECOM_AIRFLOW_* variables; `url` has no path and no slash at its end."""
        return {
            "ECOM_AIRFLOW_URL": self.url,
            "ECOM_AIRFLOW_ADMIN_USER": self.admin_user,
            "ECOM_AIRFLOW_ADMIN_PASSWORD_REF": self.admin_password,
        }


class DashboardsEndpoint(_Endpoint):
    """Where people look at dashboards."""

    url: str = Field(pattern=r"^https?://[^/\s]+$")

    def variables(self) -> Env:
        """Return the ECOM_DASHBOARDS_* variables; `url` has no path and no slash at its end."""
        return {"ECOM_DASHBOARDS_URL": self.url}


class EmrServerlessEndpoint(_Endpoint):
    """The EMR Serverless applications that run jobs; all empty where Spark is launched otherwise.

    The streaming job has an application and an entry point of its own, adds parameters, and shares the rest.
    """

    application_id: str = ""
    execution_role_arn: str = ""
    entry_point: str = ""
    submit_parameters: str = ""
    stream_application_id: str = ""
    stream_entry_point: str = ""
    stream_submit_parameters: str = ""

    def variables(self) -> Env:
        """Return the ECOM_EMR_* variables."""
        return {
            "ECOM_EMR_APPLICATION_ID": self.application_id,
            "ECOM_EMR_EXECUTION_ROLE_ARN": self.execution_role_arn,
            "ECOM_EMR_ENTRY_POINT": self.entry_point,
            "ECOM_EMR_SUBMIT_PARAMETERS": self.submit_parameters,
            "ECOM_EMR_STREAM_APPLICATION_ID": self.stream_application_id,
            "ECOM_EMR_STREAM_ENTRY_POINT": self.stream_entry_point,
            "ECOM_EMR_STREAM_SUBMIT_PARAMETERS": self.stream_submit_parameters,
        }


class MetricsEndpoint(_Endpoint):
    """Where measurements go that alarms wait for: a namespace of CloudWatch; empty: nowhere."""

    namespace: str = ""

    def variables(self) -> Env:
        """Return the ECOM_METRICS_* variables."""
        return {"ECOM_METRICS_NAMESPACE": self.namespace}


class MetabaseEndpoint(_Endpoint):
    """The Metabase that the dashboards are put into; empty where the environment has none.

    `postgres_host` and `postgres_port` are the warehouse as Metabase sees it; empty and 0: as everybody does.
    `postgres_sslrootcert` is where Metabase has the certificates that it verifies the warehouse with.
    """

    url: str = Field(default="", pattern=r"^(https?://\S*[^/\s])?$")
    admin_email: str = ""
    admin_password: OptionalSecretRef = ""
    postgres_host: str = ""
    postgres_port: int = Field(default=0, ge=0, le=65535)
    postgres_sslrootcert: str = ""

    def variables(self) -> Env:
        """Return the ECOM_METABASE_* variables."""
        return {
            "ECOM_METABASE_URL": self.url,
            "ECOM_METABASE_ADMIN_EMAIL": self.admin_email,
            "ECOM_METABASE_ADMIN_PASSWORD_REF": self.admin_password,
            "ECOM_METABASE_POSTGRES_HOST": self.postgres_host,
            "ECOM_METABASE_POSTGRES_PORT": str(self.postgres_port),
            "ECOM_METABASE_POSTGRES_SSLROOTCERT": self.postgres_sslrootcert,
        }


class StorageEndpoint(_Endpoint):
    """Durable storage outside the database."""

    checkpoints: str

    def variables(self) -> Env:
        """Return the ECOM_STORAGE_* variables; `checkpoints` is a URI that Spark can write to."""
        return {"ECOM_STORAGE_CHECKPOINTS": self.checkpoints}


class Platform(_Endpoint):
    """Everything that the pipeline may know about where it runs."""

    postgres: PostgresEndpoint
    kafka: KafkaEndpoint
    spark: SparkEndpoint
    airflow: AirflowEndpoint
    dashboards: DashboardsEndpoint
    storage: StorageEndpoint
    emr: EmrServerlessEndpoint = EmrServerlessEndpoint()
    metabase: MetabaseEndpoint = MetabaseEndpoint()
    batch: BatchEndpoint = BatchEndpoint()
    metrics: MetricsEndpoint = MetricsEndpoint()

    def as_env(self) -> Env:
        """Return all variables, secrets as references only."""
        parts = (
            self.postgres,
            self.kafka,
            self.spark,
            self.airflow,
            self.dashboards,
            self.storage,
            self.emr,
            self.metabase,
            self.batch,
            self.metrics,
        )
        return {name: value for part in parts for name, value in part.variables().items()}
