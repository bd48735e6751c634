"""The stack: every component, in the order in which they need each other, and the contract they fulfil."""

from collections.abc import Mapping

import pulumi

from environments.aws import (
    access,
    airflow,
    dashboards,
    kafka,
    operator_task,
    postgres,
    setup_task,
    spark,
    storage,
)
from environments.aws.artifacts import DAGS, PLATFORM, Artifacts, ArtifactsArgs, lines
from environments.aws.bundle import bundle
from environments.aws.config import AwsConfig
from environments.aws.contract import Made, for_jobs, platform
from environments.aws.encryption import Encryption, EncryptionArgs
from environments.aws.firewall import Firewall, FirewallArgs
from environments.aws.network import Network, NetworkArgs
from environments.aws.observability import Observability, ObservabilityArgs
from environments.aws.passwords import Passwords, PasswordsArgs
from environments.aws.place import here
from environments.aws.policies import Statement
from environments.aws.producer import Producer, ProducerArgs
from environments.aws.registry import Registry, RegistryArgs, tag
from environments.aws.tags import tagging, tags_of
from environments.aws.tasks import Tasks, TasksArgs
from infra.platform import Env
from infra.stack_config import PROJECT

_JOBS = ("ingest", "etl")
# Where RDS's certificates are, for each who reads the platform.
_IN_IMAGE = "/opt/ecom/rds-ca.pem"


class Aws(pulumi.ComponentResource):
    """The AWS environment as one component."""

    def __init__(self, name: str, config: AwsConfig) -> None:
        self._options, self._config, self._name = config.aws, config, name
        # Before anything is registered, because a file that is missing would otherwise be noticed late.
        self._bundle = bundle(config.aws.artifacts)
        tags = tags_of(PROJECT, pulumi.get_stack(), config.aws.owner, config.aws.size)
        opts = pulumi.ResourceOptions(transformations=[tagging(tags)])
        super().__init__("ecom:aws:Stack", name, {}, opts)
        self._place = here(pulumi.InvokeOptions(parent=self))
        self._inner = pulumi.ResourceOptions(parent=self)
        self._foundations()
        self._stores()
        self._spark()
        self._fargate()
        self._airflow()
        self._contract()
        self._last_tasks()
        self._observability()
        self.register_outputs({})

    def _foundations(self) -> None:
        options, place, name = self._options, self._place, self._name
        self.encryption = Encryption(name, EncryptionArgs(place, options.protect), self._inner)
        self._key = self.encryption.arn
        self.network = Network(f"{name}-net", NetworkArgs(options, place, self._key), self._inner)
        walls = FirewallArgs(self.network.vpc_id, bool(options.certificate_arn), options.dashboards_public)
        self.firewall = Firewall(f"{name}-sg", walls, self._inner)
        self.passwords = Passwords(
            f"{name}-secret", PasswordsArgs(self._key, options.protect, options.passwords_epoch), self._inner
        )
        args = storage.StorageArgs(
            place, self._key, options.capacity.log_days, options.protect, options.empty_buckets
        )
        self.storage = storage.Storage(name, args, self._inner)
        self.artifacts = Artifacts(
            f"{name}-file",
            ArtifactsArgs(
                self.storage.artifacts.id, self._key, self._bundle, airflow.texts(options, place.region)
            ),
            pulumi.ResourceOptions(parent=self, depends_on=self.storage.ready),
        )

    def _stores(self) -> None:
        options, whole, groups = self._options, self._config.platform, self.firewall.groups
        subnets = self.network.private_subnets
        self.postgres = postgres.Postgres(
            f"{self._name}-warehouse",
            postgres.PostgresArgs(
                options, self._place, whole.postgres, subnets, groups["postgres"], self._key
            ),
            self._inner,
        )
        self.kafka = kafka.Kafka(
            f"{self._name}-events",
            kafka.KafkaArgs(options, whole.kafka, subnets, groups["kafka"], self._key),
            self._inner,
        )

    def _spark(self) -> None:
        self.spark = spark.Spark(
            f"{self._name}-spark",
            spark.SparkArgs(
                options=self._options,
                place=self._place,
                kafka=self._config.platform.kafka,
                subnets=self.network.private_subnets,
                security_group=self.firewall.groups["spark"],
                key_arn=self._key,
                artifacts_arn=self.storage.artifacts.arn,
                data_arn=self.storage.data.arn,
                cluster_arn=self.kafka.arn,
                secrets=self.passwords.some(_JOBS),
            ),
            # Its workers need a way to the warehouse and the brokers from the first second on.
            pulumi.ResourceOptions(parent=self, depends_on=[self.firewall]),
        )

    def _fargate(self) -> None:
        options, name = self._options, self._name
        image = RegistryArgs(self._key, options.empty_buckets, tag(self._bundle.certificates))
        self.registry = Registry(f"{name}-image", image, self._inner)
        self.tasks = Tasks(name, TasksArgs(self._place, self._key, options.capacity.log_days), self._inner)
        self.dashboards = dashboards.Dashboards(
            name,
            dashboards.DashboardsArgs(
                options=options,
                tasks=self.tasks,
                vpc_id=self.network.vpc_id,
                private_subnets=self.network.private_subnets,
                public_subnets=self.network.public_subnets,
                groups=self.firewall.groups,
                postgres_host=self.postgres.host,
                log_bucket=self.storage.logs.id,
                log_bucket_ready=self.storage.ready,
                password=self.passwords.arns["metabase_database"],
                key=self.passwords.arns["metabase_key"],
            ),
            pulumi.ResourceOptions(parent=self, depends_on=[self.firewall]),
        )

    def _airflow(self) -> None:
        args = airflow.AirflowArgs(
            options=self._options,
            place=self._place,
            bucket_arn=self.storage.artifacts.arn,
            artifacts=self.artifacts,
            subnets=self.network.private_subnets,
            security_group=self.firewall.groups["airflow"],
            key_arn=self._key,
            inputs={
                "batch": self.spark.batch.arn,
                "stream": self.spark.stream.arn,
                "jobs": self.spark.role.arn,
                "cluster": self.kafka.arn,
                **self.passwords.some(_JOBS),
            },
            may=self._dags_may,
        )
        after = pulumi.ResourceOptions(parent=self, depends_on=[self.firewall])
        self.airflow = airflow.Airflow(f"{self._name}-airflow", args, after)

    def _dags_may(self, values: Mapping[str, str]) -> list[Statement]:
        topics = self._config.platform.kafka
        return [
            *airflow.run_jobs([values["batch"], values["stream"]], values["jobs"]),
            *access.read_secrets([values[role] for role in _JOBS]),
            *access.read_topics(values["cluster"], topics),
            # Replays of dead letters go to the topic that they came from.
            *access.write_topics(values["cluster"], [topics.orders_topic]),
        ]

    def _last_tasks(self) -> None:
        # Without how jobs are submitted: migrations go ahead of the upload of a new jar.
        env = self._made.apply(lambda made: for_jobs(self._config, Made(**made), _IN_IMAGE))
        args = setup_task.SetupArgs(
            tasks=self.tasks,
            image=self.registry.image,
            repository_arn=self.registry.repository_arn,
            env=env,
            admin_secret=self.postgres.admin_secret,
            secrets=self.passwords.arns,
            key_arn=self._key,
        )
        self.setup = setup_task.Setup(f"{self._name}-setup", args, self._inner)
        self._operator(env)
        self.services = [self.dashboards.service.name]
        if self._options.producer:
            self.services.append(self._producer(env).service.name)

    def _operator(self, env: pulumi.Output[Env]) -> None:
        args = operator_task.OperatorArgs(
            tasks=self.tasks,
            image=self.registry.image,
            repository_arn=self.registry.repository_arn,
            env=env,
            secrets=self.passwords.some(operator_task.ROLES),
            key_arn=self._key,
            kafka=self._config.platform.kafka,
            cluster_arn=self.kafka.arn,
        )
        self.operator = operator_task.Operator(f"{self._name}-operator", args, self._inner)

    def _producer(self, env: pulumi.Output[Env]) -> Producer:
        args = ProducerArgs(
            tasks=self.tasks,
            image=self.registry.image,
            repository_arn=self.registry.repository_arn,
            subnets=self.network.private_subnets,
            security_group=self.firewall.groups["tasks"],
            env=env,
            kafka=self._config.platform.kafka,
            cluster_arn=self.kafka.arn,
        )
        after = pulumi.ResourceOptions(parent=self, depends_on=[self.firewall])
        return Producer(f"{self._name}-producer", args, after)

    def _observability(self) -> None:
        args = ObservabilityArgs(
            options=self._options,
            place=self._place,
            key_arn=self._key,
            postgres=self.postgres.identifier,
            postgres_gb=self._options.postgres_disk_gb,
            kafka=self.kafka.cluster_name,
            brokers=self.kafka.brokers,
            airflow=self.airflow.environment_name,
            namespace=self.airflow.namespace,
            balancer=self.dashboards.balancer.arn_suffix,
            target=self.dashboards.target.arn_suffix,
        )
        self.observability = Observability(f"{self._name}-watch", args, self._inner)

    def env(self, certificates: str) -> pulumi.Output[Env]:
        """Return `as_env()` for a reader who has RDS's certificates at this path, once all of it is known."""
        return pulumi.Output.all(made=self._made, artifacts=self._deployed).apply(
            lambda known: platform(
                self._config, Made(**known["made"]), certificates, known["artifacts"]
            ).as_env()
        )

    def _contract(self) -> None:
        """Gather what AWS made up, and write what job runs need of it."""
        self._made = pulumi.Output.all(
            secrets={**self.passwords.arns, "admin": self.postgres.admin_secret},
            postgres=self.postgres.host,
            brokers=self.kafka.bootstrap_servers,
            bucket=self.storage.data.id,
            dashboards=self.dashboards.url,
            airflow=self.airflow.url,
            application=self.spark.batch.id,
            stream=self.spark.stream.id,
            role=self.spark.role.arn,
            entry=self.artifacts.entries["batch"],
            stream_entry=self.artifacts.entries["stream"],
            metrics=self.airflow.namespace,
            region=self._place.region,
        )
        jobs = self._made.apply(lambda made: for_jobs(self._config, Made(**made)))
        self._deployed = pulumi.Output.all(
            jars=self.artifacts.jars,
            python=self.artifacts.python,
            code=self.artifacts.code,
            variables=self.artifacts.write_variables(jobs),
        )
        self.artifacts.write(
            f"{DAGS}/{PLATFORM}", self.env(airflow.CERTIFICATES).apply(lines), [self.airflow.environment]
        )


def outputs(stack: Aws) -> dict[str, pulumi.Input[object]]:
    """Return what the stack exports: addresses, and what starts its one-off tasks; no secret."""
    return {
        "airflow_url": stack.airflow.url,
        "dashboards_url": stack.dashboards.url,
        # For the record of Metabase's name, which nobody makes here: the zone is somebody else's.
        "dns": {
            "name": stack.dashboards.domain,
            "balancer": stack.dashboards.balancer.dns_name,
            "zone_id": stack.dashboards.balancer.zone_id,
        },
        # Whoever is in it may open both pages from within the VPC.
        "people": stack.firewall.groups["people"],
        "postgres": stack.postgres.host,
        "kafka": stack.kafka.bootstrap_servers,
        "image": stack.registry.image,
        "alarms": stack.observability.topic.arn,
        "key": stack.encryption.arn,
        "env": stack.env(_IN_IMAGE),
        "tasks": {
            "cluster": stack.tasks.cluster.arn,
            "subnets": stack.network.private_subnets,
            "security_group": stack.firewall.groups["tasks"],
            "setup": stack.setup.migrate.arn,
            "dashboards": stack.setup.dashboards.arn,
            "operator": stack.operator.task.arn,
            "log_group": stack.tasks.log_group.name,
            "services": stack.services,
        },
    }
