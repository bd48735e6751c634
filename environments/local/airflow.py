"""Airflow as four containers with a LocalExecutor, and one that deletes what is old of theirs."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_docker as docker

from environments.local import airflow_cleaning as cleaning
from environments.local import airflow_settings as settings
from environments.local import spark
from environments.local.config import Limits
from environments.local.config import Spark as SparkConfig
from environments.local.container import HOST as THIS_MACHINE
from environments.local.container import ContainerSpec, SecretFile, container, inner, reference, step
from environments.local.images import USER
from environments.local.volumes import volume
from infra.config import AirflowConfig
from infra.platform import AirflowEndpoint

ADMIN = "admin"
API, SCHEDULER, DAG_PROCESSOR, TRIGGERER, CLEANER = (
    "airflow-api",
    "airflow-scheduler",
    "airflow-dag-processor",
    "airflow-triggerer",
    "airflow-cleaner",
)
_MIGRATION = "airflow-migration"


@dataclass(frozen=True)
class AirflowArgs:
    """Images, sizes and secrets; `env` is the platform, for the tasks, with `secrets` as its references.

    `own_secrets` are Airflow's: keys, its database's address with the password in it, the users' passwords.
    """

    runtime: pulumi.Input[str]
    code: pulumi.Input[str]
    network: docker.Network
    config: AirflowConfig
    spark: SparkConfig
    limits: Limits
    env: Mapping[str, str]
    secrets: list[SecretFile]
    own_secrets: list[SecretFile]

    def __post_init__(self) -> None:
        """Refuse a set of secrets with which Airflow would make up its own."""
        missing = set(settings.SECRETS) - {secret.name for secret in self.own_secrets}
        if missing:
            raise ValueError(f"own_secrets lacks {', '.join(sorted(missing))}")


class Airflow(pulumi.ComponentResource):
    """The migration, then the others; logs are in a volume that all of them see."""

    def __init__(self, name: str, args: AirflowArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ecom:local:Airflow", name, {}, opts)
        logs = volume(f"{name}-logs", self, protect=False)
        self.migration = step(f"{name}-migration", _migration(args), inner(self, opts))
        after = inner(self, opts, self.migration)
        self.api = container(f"{name}-api", _api(args, logs), after)
        self.containers = [
            self.api,
            container(f"{name}-scheduler", _scheduler(args, logs), after),
            container(f"{name}-dag-processor", _dag_processor(args, logs), after),
            container(f"{name}-triggerer", _triggerer(args, logs), after),
            container(f"{name}-cleaner", _cleaner(args, logs), after),
        ]
        self.register_outputs({"url": endpoint(args.config, here=True).url})


def _spec(args: AirflowArgs, host: str, limit: str, words: list[str], **more: object) -> ContainerSpec:
    options: dict[str, object] = {
        "image": args.code,
        "command": ["airflow", *words],
        "env": {**args.env, **settings.variables(args.config, API)},
        "secrets": [*args.secrets, *args.own_secrets],
        "health": settings.health(host, API),
        "stop_timeout_s": 15,
    }
    return ContainerSpec(
        host=host,
        network=args.network,
        limit=args.limits.of(limit),
        user=USER,
        **(options | more),  # type: ignore[arg-type]
    )


def _migration(args: AirflowArgs) -> ContainerSpec:
    own = {"image": args.runtime, "env": settings.variables(args.config, API), "secrets": args.own_secrets}
    return _spec(args, _MIGRATION, "setup", ["db", "migrate"], health=(), **own)


def _api(args: AirflowArgs, logs: docker.Volume) -> ContainerSpec:
    return _spec(
        args,
        API,
        "airflow_api",
        ["api-server"],
        # It runs nothing of ours: a changed pipeline leaves it alone.
        image=args.runtime,
        env=settings.variables(args.config, API),
        secrets=args.own_secrets,
        volumes={settings.LOGS: logs},
        ports={settings.PORT: args.config.port},
    )


def _scheduler(args: AirflowArgs, logs: docker.Volume) -> ContainerSpec:
    conf = spark.defaults(args.spark, args.spark.batch_cores, SCHEDULER)
    env = {**args.env, **settings.variables(args.config, API), "SPARK_CONF_DIR": spark.CONF_DIR}
    return _spec(
        args,
        SCHEDULER,
        "airflow_scheduler",
        ["scheduler", "--skip-serve-logs"],
        env=env,
        files={f"{spark.CONF_DIR}/spark-defaults.conf": conf},
        volumes={settings.LOGS: logs},
    )


def _dag_processor(args: AirflowArgs, logs: docker.Volume) -> ContainerSpec:
    return _spec(
        args,
        DAG_PROCESSOR,
        "airflow_dag_processor",
        ["dag-processor"],
        volumes={settings.LOGS: logs},
    )


def _triggerer(args: AirflowArgs, logs: docker.Volume) -> ContainerSpec:
    command = ["triggerer", "--skip-serve-logs"]
    return _spec(args, TRIGGERER, "airflow_triggerer", command, volumes={settings.LOGS: logs})


def _cleaner(args: AirflowArgs, logs: docker.Volume) -> ContainerSpec:
    # It runs nothing of ours either.
    own = {"image": args.runtime, "env": settings.variables(args.config, API), "secrets": args.own_secrets}
    return _spec(
        args,
        CLEANER,
        "airflow_cleaner",
        [],
        command=cleaning.command(args.config),
        health=cleaning.health(),
        volumes={settings.LOGS: logs},
        **own,
    )


def endpoint(config: AirflowConfig, *, here: bool = False) -> AirflowEndpoint:
    """Return the endpoint as containers see it, or this machine."""
    url = f"http://{THIS_MACHINE}:{config.port}" if here else f"http://{API}:{settings.PORT}"
    return AirflowEndpoint(url=url, admin_user=ADMIN, admin_password=reference("airflow_admin"))
