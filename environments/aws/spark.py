"""Spark on EMR Serverless: one application for batch steps and one for the streaming job.

Pulumi makes the applications; job runs come from Airflow. An application that nobody uses stops and costs
nothing, so nothing is started ahead of time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws.cloudwatch as cloudwatch
import pulumi_aws.emrserverless as emrserverless

from environments.aws import access
from environments.aws.artifacts import PLATFORM
from environments.aws.options import Options
from environments.aws.place import REGION_VARIABLE, Place
from environments.aws.role import Role, RoleArgs
from infra.config import KafkaConfig, StreamConfig
from infra.platform import SparkEndpoint

# Whoever submits the job decides where it runs, so the session must not.
MASTER = "emr-serverless"
_IDLE_MINUTES = 15
# EMR Serverless gives a worker between 2 and 8 GB a vCPU; disks are 20 GB each unless somebody asks for more.
_GB_PER_CPU, _DISK_GB_PER_CPU = 5, 20
_READ = ("code", "entry", "env", "jars", "python")
_PYTHON, _CODE, _VARIABLES = "environment", "code", "platform"
CERTIFICATES = f"./{_CODE}/rds-ca.pem"


@dataclass(frozen=True)
class SparkArgs:
    """Place, size, network, and what jobs may read and write."""

    options: Options
    place: Place
    kafka: KafkaConfig
    subnets: Sequence[pulumi.Input[str]]
    security_group: pulumi.Input[str]
    key_arn: pulumi.Input[str]
    artifacts_arn: pulumi.Input[str]
    data_arn: pulumi.Input[str]
    cluster_arn: pulumi.Input[str]
    secrets: Mapping[str, pulumi.Input[str]]

    def __post_init__(self) -> None:
        """Refuse an application that could not start a single job."""
        size = self.options.capacity
        workers = {size.emr_batch_cpu: 2, size.emr_stream_cpu: 1 + size.stream_executors}
        if any(cpu < count * size.executor_cores for cpu, count in workers.items()):
            raise ValueError(
                f"executor_cores = {size.executor_cores}: a driver and its executors do not fit the limit"
            )


class Spark(pulumi.ComponentResource):
    """`batch` and `stream`, the applications, and `role`, which jobs run as."""

    def __init__(self, name: str, args: SparkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ecom:aws:Spark", name, {}, opts)
        self._name, self._args = name, args
        self._inner = pulumi.ResourceOptions(parent=self)
        self.log_group = cloudwatch.LogGroup(
            f"{name}-jobs",
            name=f"/ecom/{name}",
            retention_in_days=args.options.capacity.log_days,
            kms_key_id=args.key_arn,
            opts=self._inner,
        )
        size = args.options.capacity
        self.batch = self._application("batch", size.emr_batch_cpu)
        self.stream = self._application("stream", size.emr_stream_cpu)
        self.role = self._role()
        self.register_outputs({"batch": self.batch.id, "stream": self.stream.id})

    def _application(self, kind: str, cpu: int) -> emrserverless.Application:
        return emrserverless.Application(
            f"{self._name}-{kind}",
            name=f"{self._name}-{kind}",
            release_label=self._args.options.emr_release,
            type="Spark",
            architecture="X86_64",
            auto_start_configuration=emrserverless.ApplicationAutoStartConfigurationArgs(enabled=True),
            auto_stop_configuration=emrserverless.ApplicationAutoStopConfigurationArgs(
                enabled=True, idle_timeout_minutes=_IDLE_MINUTES
            ),
            maximum_capacity=emrserverless.ApplicationMaximumCapacityArgs(
                cpu=f"{cpu} vCPU", memory=f"{cpu * _GB_PER_CPU} GB", disk=f"{cpu * _DISK_GB_PER_CPU} GB"
            ),
            network_configuration=emrserverless.ApplicationNetworkConfigurationArgs(
                subnet_ids=self._args.subnets, security_group_ids=[self._args.security_group]
            ),
            monitoring_configuration=emrserverless.ApplicationMonitoringConfigurationArgs(
                cloudwatch_logging_configuration=emrserverless.ApplicationMonitoringConfigurationCloudwatchLoggingConfigurationArgs(
                    enabled=True,
                    log_group_name=self.log_group.name,
                    log_stream_name_prefix=kind,
                    encryption_key_arn=self._args.key_arn,
                ),
                # Or EMR keeps every job's logs a second time, for 30 days and under a key that is not ours.
                managed_persistence_monitoring_configuration=emrserverless.ApplicationMonitoringConfigurationManagedPersistenceMonitoringConfigurationArgs(
                    enabled=False
                ),
            ),
            runtime_configurations=[
                emrserverless.ApplicationRuntimeConfigurationArgs(
                    classification="spark-defaults",
                    # The session says it too; a release whose default differs must not decide.
                    properties={"spark.sql.ansi.enabled": "true", "spark.sql.session.timeZone": "UTC"},
                )
            ],
            opts=self._inner,
        )

    def _role(self) -> Role:
        args = self._args
        return Role(
            f"{self._name}-jobs",
            RoleArgs(
                place=args.place,
                services=["emr-serverless.amazonaws.com"],
                inputs={
                    "artifacts": args.artifacts_arn,
                    "data": args.data_arn,
                    "cluster": args.cluster_arn,
                    "logs": self.log_group.arn,
                    "key": args.key_arn,
                    **{f"secret_{name}": arn for name, arn in args.secrets.items()},
                },
                allow=lambda values: [
                    *access.read_bucket(values["artifacts"], [f"{folder}/*" for folder in _READ]),
                    *access.write_bucket(values["data"], "checkpoints/*"),
                    *access.use_topics(values["cluster"], args.kafka),
                    *access.write_logs(values["logs"]),
                    *access.read_secrets([values[f"secret_{name}"] for name in args.secrets]),
                    *access.use_key(values["key"]),
                ],
            ),
            self._inner,
        )


def parameters(artifacts: Mapping[str, Any], options: Options, region: str) -> str:
    """Return spark-submit's options for a job run: jars, packed Python, our code, the variables."""
    size, interpreter = options.capacity, f"./{_PYTHON}/bin/python"
    archives = {_PYTHON: artifacts["python"], _CODE: artifacts["code"], _VARIABLES: artifacts["variables"]}
    # Each archive is unpacked into the working folder of driver and executors, under the name behind the #.
    env = {
        "PYSPARK_PYTHON": interpreter,
        "PYTHONPATH": f"./{_CODE}",
        "ECOM_ENV_FILE": f"./{_VARIABLES}/{PLATFORM}",
        REGION_VARIABLE: region,
        # Whoever submits the job may hand on its own variables, and has the certificates elsewhere.
        "ECOM_POSTGRES_SSLROOTCERT": CERTIFICATES,
    }
    conf = {
        "spark.archives": ",".join(f"{address}#{name}" for name, address in archives.items()),
        "spark.emr-serverless.driverEnv.PYSPARK_DRIVER_PYTHON": interpreter,
        **{f"spark.emr-serverless.driverEnv.{name}": value for name, value in env.items()},
        **{f"spark.executorEnv.{name}": value for name, value in env.items()},
        "spark.driver.cores": str(size.executor_cores),
        "spark.driver.memory": _heap(size.executor_gb),
        "spark.executor.cores": str(size.executor_cores),
        "spark.executor.memory": _heap(size.executor_gb),
        "spark.sql.ansi.enabled": "true",
    }
    words = [word for key, value in conf.items() for word in ("--conf", f"{key}={value}")]
    return " ".join(["--jars", ",".join(artifacts["jars"]), *words])


def stream_parameters(options: Options) -> str:
    """Return what the streaming job adds: as many executors as are paid for; EMR would begin with three."""
    count = options.capacity.stream_executors
    return f"--conf spark.dynamicAllocation.enabled=false --conf spark.executor.instances={count}"


def _heap(gigabytes: int) -> str:
    # The rest is what a JVM needs beside its heap, and Python; EMR adds no more than the worker has.
    return f"{gigabytes * 1024 * 3 // 4}m"


def endpoint(stream: StreamConfig) -> SparkEndpoint:
    """Return the endpoint; jars and memory are the submission's business."""
    return SparkEndpoint(
        master=MASTER,
        launcher="emr_serverless",
        max_offsets_per_trigger=stream.max_offsets_per_trigger,
        trigger_interval_ms=stream.trigger_interval_ms,
        # A first start comes before the setup task has migrated the warehouse.
        give_up_after_s=900,
    )
