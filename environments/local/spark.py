"""Spark: a standalone master and a worker, and the streaming job's driver in a container of its own."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_docker as docker

from environments.local.config import Limits
from environments.local.config import Spark as SparkConfig
from environments.local.container import HOST as THIS_MACHINE
from environments.local.container import ContainerSpec, SecretFile, container, is_fresh
from environments.local.images import USER
from environments.local.storage import CHECKPOINTS
from environments.local.volumes import volume
from infra.config import StreamConfig
from infra.platform import SparkEndpoint

MASTER, WORKER, STREAM = "spark-master", "spark-worker", "stream"
CONF_DIR = "/etc/spark"
_PORT, _PAGE, _WORKER_PORT, _WORKER_PAGE = 7077, 8080, 7078, 8081
_JARS = "/opt/spark-jars/*"
_TIDY_DAILY = "-Dspark.worker.cleanup.enabled=true -Dspark.worker.cleanup.appDataTtl=86400"
_RECOVERY = "/var/lib/ecom/recovery"
# A master that forgot its applications would give none of them an executor again.
_REMEMBER = (
    f"-Dspark.deploy.recoveryMode=FILESYSTEM -Dspark.deploy.recoveryDirectory={_RECOVERY}"
    " -Dspark.deploy.recoveryTimeout=15"
)
_READY = "/tmp/stream.ready"  # noqa: S108 - the container's own, with one process in it
# No micro-batch should take longer.
_READY_MINUTES = 5
_READY_VARIABLE = "ECOM_STREAM_READY_FILE"


@dataclass(frozen=True)
class SparkArgs:
    """Images, sizes and what the jobs are told; `secrets` are those that drivers and executors read."""

    runtime: pulumi.Input[str]
    code: pulumi.Input[str]
    network: docker.Network
    config: SparkConfig
    limits: Limits
    env: Mapping[str, str]
    secrets: list[SecretFile]
    protect: bool

    def __post_init__(self) -> None:
        """Refuse a worker that could not run the stream and a batch step side by side."""
        executors = 2 * self.config.executor_memory_mb
        if executors >= self.limits.memory.spark_worker:
            raise ValueError(
                f"two executors of {executors} MB in all: not below {self.limits.memory.spark_worker} MB"
            )


class Spark(pulumi.ComponentResource):
    """Master and worker at once; `start_stream` when there is something to read and to write to."""

    def __init__(self, name: str, args: SparkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ecom:local:Spark", name, {}, opts)
        self._name, self._args = name, args
        inner = pulumi.ResourceOptions(parent=self)
        recovery = volume(f"{name}-recovery", self, protect=False)
        self.master = container(f"{name}-master", _master(args, recovery), inner)
        # A worker looks for its master for a while only.
        after = pulumi.ResourceOptions(parent=self, depends_on=[self.master])
        self.worker = container(f"{name}-worker", _worker(args), after)
        self.checkpoints = volume(f"{name}-checkpoints", self, protect=args.protect)
        self.register_outputs({"master": endpoint(args.config, StreamConfig()).master})

    def start_stream(self, *after: pulumi.Output[pulumi.Resource]) -> docker.Container:
        """Run the streaming job once `after` is done."""
        opts = pulumi.ResourceOptions(parent=self, depends_on=[self.worker, *after])
        return container(f"{self._name}-stream", _stream(self._args, self.checkpoints), opts)


def _master(args: SparkArgs, recovery: docker.Volume) -> ContainerSpec:
    program = "org.apache.spark.deploy.master.Master"
    return ContainerSpec(
        host=MASTER,
        image=args.runtime,
        network=args.network,
        limit=args.limits.of("spark_master"),
        user=USER,
        command=["spark-class", program, "--host", MASTER, "--port", str(_PORT), "--webui-port", str(_PAGE)],
        env={"SPARK_DAEMON_MEMORY": "256m", "SPARK_NO_DAEMONIZE": "1", "SPARK_MASTER_OPTS": _REMEMBER},
        volumes={_RECOVERY: recovery},
        ports={_PAGE: args.config.master_port},
        health=_answers(_PAGE),
        read_only=True,
    )


def _worker(args: SparkArgs) -> ContainerSpec:
    cores = args.config.stream_cores + args.config.batch_cores
    options = {
        "--host": WORKER,
        "--port": str(_WORKER_PORT),
        "--webui-port": str(_WORKER_PAGE),
        "--cores": str(cores),
        "--memory": f"{2 * args.config.executor_memory_mb}m",
        "--work-dir": "/var/lib/ecom/work",
    }
    words = [word for option in options.items() for word in option]
    return ContainerSpec(
        host=WORKER,
        image=args.code,
        network=args.network,
        limit=args.limits.of("spark_worker"),
        user=USER,
        command=["spark-class", "org.apache.spark.deploy.worker.Worker", *words, f"spark://{MASTER}:{_PORT}"],
        env={
            "SPARK_DAEMON_MEMORY": "256m",
            "SPARK_WORKER_OPTS": _TIDY_DAILY,
        },
        # Executors connect to the warehouse themselves.
        secrets=args.secrets,
        health=_answers(_WORKER_PAGE),
    )


def _stream(args: SparkArgs, checkpoints: docker.Volume) -> ContainerSpec:
    return ContainerSpec(
        host=STREAM,
        image=args.code,
        network=args.network,
        limit=args.limits.of("stream"),
        user=USER,
        command=["python", "-m", "pipeline.stream"],
        env={**args.env, "SPARK_CONF_DIR": CONF_DIR, _READY_VARIABLE: _READY},
        secrets=args.secrets,
        files={f"{CONF_DIR}/spark-defaults.conf": defaults(args.config, args.config.stream_cores, STREAM)},
        volumes={CHECKPOINTS: checkpoints},
        health=is_fresh(_READY, _READY_MINUTES),
        stop_timeout_s=60,
    )


def _answers(port: int) -> list[str]:
    return ["CMD", "bash", "-c", f"exec 3<>/dev/tcp/$HOSTNAME/{port}"]


def defaults(config: SparkConfig, cores: int, driver: str) -> str:
    """Return spark-defaults.conf of a driver: its share of the worker, and how executors find it."""
    settings = {
        "spark.cores.max": cores,
        "spark.executor.cores": cores,
        "spark.executor.memory": f"{config.executor_memory_mb}m",
        "spark.driver.host": driver,
        "spark.driver.bindAddress": "0.0.0.0",  # noqa: S104 - the stack's own bridge; no port of it is published
        "spark.driver.extraClassPath": _JARS,
        "spark.executor.extraClassPath": _JARS,
    }
    return "".join(f"{key} {value}\n" for key, value in settings.items())


def endpoint(config: SparkConfig, stream: StreamConfig) -> SparkEndpoint:
    """Return the endpoint as containers see it; the connectors are on every classpath already."""
    return SparkEndpoint(
        master=f"spark://{MASTER}:{_PORT}",
        launcher="submit",
        driver_memory=f"{stream.driver_memory_mb}m",
        max_offsets_per_trigger=stream.max_offsets_per_trigger,
        trigger_interval_ms=stream.trigger_interval_ms,
    )


def endpoint_here(stream: StreamConfig) -> SparkEndpoint:
    """Return the endpoint for this machine: a driver outside the network is out of the cluster's reach."""
    return SparkEndpoint(
        master="local[*]",
        driver_memory=f"{stream.driver_memory_mb}m",
        max_offsets_per_trigger=stream.max_offsets_per_trigger,
        trigger_interval_ms=stream.trigger_interval_ms,
    )


def page(config: SparkConfig) -> str:
    """Return the address of the master's web page on this machine."""
    return f"http://{THIS_MACHINE}:{config.master_port}"
