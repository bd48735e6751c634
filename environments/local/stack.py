"""The stack: every component, in the order in which they need each other, and the contract they fulfil."""

import dataclasses
import json

import pulumi

from environments.local import airflow, airflow_settings, dashboards, kafka, metabase, orders, postgres, spark
from environments.local.config import LocalConfig
from environments.local.container import SECRETS, ContainerSpec, SecretFile, step
from environments.local.images import USER, Images, ImagesArgs
from environments.local.network import Network, NetworkArgs
from environments.local.passwords import Passwords, PasswordsArgs
from environments.local.platform import platform, platform_here
from environments.local.setup import DATABASES_VARIABLE, TOPICS_VARIABLE
from infra.topics import topics

# What jobs of the pipeline read; the admin's password is for the setup only.
_JOBS = ("ingest", "etl", "bi_readonly")


class Local(pulumi.ComponentResource):
    """The local environment as one component."""

    def __init__(self, name: str, config: LocalConfig, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ecom:local:Stack", name, {}, opts)
        self._name, self._config = name, config
        self._limits = config.limits
        self._env = platform(config).as_env()
        protect = config.data.protect
        self.passwords = Passwords(
            f"{name}-passwords", PasswordsArgs(config.secrets.length, protect), self._child()
        )
        self.images = Images(f"{name}-image", _images(config), self._child())
        self.network = Network(name, NetworkArgs(), self._child()).network
        self.postgres = self._postgres(protect)
        self.kafka = self._kafka(protect)
        self.spark = self._spark(protect)
        self.setup = self._setup()
        self.stream = self.spark.start_stream(self.setup)
        self.dashboards = self._dashboards()
        self.orders = self._orders()
        self.metabase = self._metabase() if config.metabase.enabled else None
        self.airflow = self._airflow()
        self.register_outputs({})

    def _child(self, *after: pulumi.Resource | pulumi.Output[pulumi.Resource]) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self, depends_on=list(after))

    def _postgres(self, protect: bool) -> postgres.Postgres:
        args = postgres.PostgresArgs(
            image=self.images.postgres,
            network=self.network,
            config=self._config.platform.postgres,
            limit=self._limits.of("postgres"),
            password=self.passwords.files("admin")[0],
            protect=protect,
        )
        return postgres.Postgres(f"{self._name}-postgres", args, self._child())

    def _kafka(self, protect: bool) -> kafka.Kafka:
        args = kafka.KafkaArgs(
            image=self.images.kafka,
            network=self.network,
            config=self._config.platform.kafka,
            limit=self._limits.of("kafka"),
            cluster_id=self.passwords.cluster_id,
            protect=protect,
        )
        return kafka.Kafka(f"{self._name}-kafka", args, self._child())

    def _spark(self, protect: bool) -> spark.Spark:
        args = spark.SparkArgs(
            runtime=self.images.runtime,
            code=self.images.code,
            network=self.network,
            config=self._config.spark,
            limits=self._limits,
            env=self._env,
            secrets=self.passwords.files(*_JOBS),
            protect=protect,
        )
        return spark.Spark(f"{self._name}-spark", args, self._child())

    def _setup(self) -> pulumi.Output[pulumi.Resource]:
        wanted = topics(kafka.endpoint(self._config.platform.kafka), self._config.platform.kafka)
        databases = {"airflow": "airflow_database"}
        if self._config.metabase.enabled:
            databases[metabase.DATABASE] = metabase.PASSWORD
        files = {name: f"{SECRETS}/{file}" for name, file in databases.items()}
        spec = ContainerSpec(
            host="setup",
            image=self.images.code,
            network=self.network,
            limit=self._limits.of("setup"),
            user=USER,
            command=["python", "-m", "environments.local.setup"],
            env={
                **self._env,
                TOPICS_VARIABLE: json.dumps([dataclasses.asdict(topic) for topic in wanted]),
                DATABASES_VARIABLE: json.dumps(files),
            },
            secrets=self.passwords.files("admin", *_JOBS, *databases.values()),
        )
        after = self._child(self.postgres.container, self.kafka.container)
        return step(f"{self._name}-setup", spec, after)

    def _dashboards(self) -> dashboards.Dashboards:
        args = dashboards.DashboardsArgs(
            code=self.images.code,
            network=self.network,
            config=self._config.platform.dashboards,
            limit=self._limits.of("dashboards"),
            env=self._env,
            password=self.passwords.files("bi_readonly")[0],
        )
        return dashboards.Dashboards(f"{self._name}-dashboards", args, self._child(self.setup))

    def _orders(self) -> orders.Orders:
        args = orders.OrdersArgs(
            code=self.images.code,
            tools=self.images.tools,
            network=self.network,
            seed=self._config.seed,
            producer=self._config.producer,
            limits=self._limits,
            env=self._env,
            secrets=self.passwords.files("ingest", "etl"),
        )
        return orders.Orders(f"{self._name}-orders", args, self._child(self.setup))

    def _metabase(self) -> metabase.Metabase:
        assert self.images.metabase is not None  # noqa: S101 - it is among the images if it is enabled
        args = metabase.MetabaseArgs(
            image=self.images.metabase,
            tools=self.images.tools,
            network=self.network,
            config=self._config.metabase,
            limits=self._limits,
            env=self._env,
            secrets=self.passwords.files(metabase.KEY, metabase.PASSWORD),
            admin_secrets=self.passwords.files(metabase.ADMIN_PASSWORD, "bi_readonly"),
        )
        return metabase.Metabase(f"{self._name}-metabase", args, self._child(self.setup))

    def _airflow(self) -> airflow.Airflow:
        secret = self.passwords.values
        connection = pulumi.Output.concat(
            "postgresql+psycopg2://airflow:",
            secret["airflow_database"],
            f"@{postgres.HOST}:{postgres.PORT}/airflow",
        )
        users = secret["airflow_admin"].apply(lambda password: json.dumps({airflow.ADMIN: password}))
        args = airflow.AirflowArgs(
            runtime=self.images.runtime,
            code=self.images.code,
            network=self.network,
            config=self._config.platform.airflow,
            spark=self._config.spark,
            limits=self._limits,
            env=self._env,
            secrets=self.passwords.files(*_JOBS, "airflow_admin"),
            own_secrets=[
                *self.passwords.files("airflow_fernet_key", "airflow_jwt_secret", "airflow_secret_key"),
                SecretFile(airflow_settings.CONNECTION, connection),
                SecretFile(airflow_settings.PASSWORDS, users, writable=True),
            ],
        )
        return airflow.Airflow(f"{self._name}-airflow", args, self._child(self.setup))


def _images(config: LocalConfig) -> ImagesArgs:
    references = config.images.model_dump()
    return ImagesArgs(**references | ({} if config.metabase.enabled else {"metabase": ""}))


def outputs(stack: Local, config: LocalConfig) -> dict[str, pulumi.Input[object]]:
    """Return what the stack exports: addresses, and what the `ecom` command needs to work against it."""
    here = platform_here(config)
    return {
        "addresses": {
            "dashboards": here.dashboards.url,
            "airflow": here.airflow.url,
            "spark": spark.page(config.spark),
            "postgres": f"postgresql://{here.postgres.host}:{here.postgres.port}/{here.postgres.database}",
            "kafka": here.kafka.bootstrap_servers,
        }
        | ({"metabase": here.metabase.url} if here.metabase.url else {}),
        "env": here.as_env(),
        "secrets": pulumi.Output.secret(stack.passwords.values),
    }
