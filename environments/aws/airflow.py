"""Airflow on MWAA: DAGs and packages from the bucket, by version; secrets from Secrets Manager."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import pulumi
import pulumi_aws.cloudwatch as cloudwatch
import pulumi_aws.mwaa as mwaa
import pulumi_aws.secretsmanager as secretsmanager

from environments.aws import access
from environments.aws.artifacts import DAGS, PLATFORM, Artifacts
from environments.aws.options import Options
from environments.aws.place import REGION_VARIABLE, Place
from environments.aws.policies import NO_NARROWER, Statement, allow
from environments.aws.role import Role, RoleArgs
from infra.platform import AirflowEndpoint

REQUIREMENTS, STARTUP = "airflow/requirements.txt", "airflow/startup.sh"
CERTIFICATES = "/usr/local/airflow/plugins/rds-ca.pem"
# Each Airflow's Python on MWAA, for the constraints that were tested together.
_PYTHON = "3.12"
# What the pipeline needs beside Airflow's own, for the steps that run without Spark.
_PACKAGES = (
    "adbc-driver-postgresql",
    "alembic",
    "apache-airflow-providers-amazon",
    "apache-airflow-providers-standard",
    "kafka-python>=3.0,<4",
    "psycopg2-binary",
    "pydantic-settings",
    "tenacity",
    "typer",
)
_BACKEND = "airflow.providers.amazon.aws.secrets.secrets_manager.SecretsManagerBackend"
# MWAA writes its own measurements with the environment's role.
_MWAAS_OWN = ("AmazonMWAA", "AWS/MWAA")
_LOGS = ("DAGProcessing", "Scheduler", "Task", "WebServer", "Worker")
LogLevel = Literal["WARNING", "INFO"]


@dataclass(frozen=True)
class AirflowArgs:
    """Place, size, what is deployed, and `may`: what DAGs are allowed beside running."""

    options: Options
    place: Place
    bucket_arn: pulumi.Input[str]
    artifacts: Artifacts
    subnets: Sequence[pulumi.Input[str]]
    security_group: pulumi.Input[str]
    key_arn: pulumi.Input[str]
    inputs: Mapping[str, pulumi.Input[str]]
    may: Callable[[Mapping[str, str]], Sequence[Statement]]

    def __post_init__(self) -> None:
        """Refuse what MWAA would refuse half an hour later."""
        if len(self.subnets) < 2:
            raise ValueError(f"subnets: {len(self.subnets)}; MWAA wants two private ones")
        missing = [key for key in (REQUIREMENTS, STARTUP) if key not in self.artifacts.texts]
        if missing:
            raise ValueError(f"artifacts: lacks {', '.join(missing)}")


class Airflow(pulumi.ComponentResource):
    """`url` of its page and REST API, `environment_name`."""

    def __init__(self, name: str, args: AirflowArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ecom:aws:Airflow", name, {}, opts)
        self._name, self._args = name, args
        self.environment_name, self.namespace = name, namespace(name)
        self._connection()
        self.role = self._role()
        self.environment = self._environment([self._log_group(kind) for kind in _LOGS])
        self.url = self.environment.webserver_url.apply(lambda host: f"https://{host}")
        self.register_outputs({"url": self.url})

    def _connection(self) -> None:
        """Make the connection that the Amazon provider looks for; it holds a region and no secret."""
        inner = pulumi.ResourceOptions(parent=self)
        # Its name is fixed, so a destroyed stack must give it free at once.
        secret = secretsmanager.Secret(
            f"{self._name}-aws-default",
            name=f"{prefix(self._name)}/connections/aws_default",
            kms_key_id=self._args.key_arn,
            recovery_window_in_days=0,
            opts=inner,
        )
        value = {"conn_type": "aws", "extra": {"region_name": self._args.place.region}}
        secretsmanager.SecretVersion(
            f"{self._name}-aws-default", secret_id=secret.id, secret_string=json.dumps(value), opts=inner
        )

    def _role(self) -> Role:
        args, place, name = self._args, self._args.place, self._name

        def may(values: Mapping[str, str]) -> list[Statement]:
            return [*_own(name, place, values["bucket"], values["key"]), *args.may(values)]

        inputs = {"bucket": args.bucket_arn, "key": args.key_arn, **args.inputs}
        services = ["airflow.amazonaws.com", "airflow-env.amazonaws.com"]
        return Role(
            f"{name}-run", RoleArgs(place, services, inputs, may), pulumi.ResourceOptions(parent=self)
        )

    def _log_group(self, kind: str) -> cloudwatch.LogGroup:
        # Made by us, or MWAA would make it without an end.
        return cloudwatch.LogGroup(
            f"{self._name}-{kind}",
            name=f"airflow-{self._name}-{kind}",
            retention_in_days=self._args.options.capacity.log_days,
            kms_key_id=self._args.key_arn,
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _environment(self, logs: Sequence[pulumi.Resource]) -> mwaa.Environment:
        args, size = self._args, self._args.options.capacity
        texts = args.artifacts.texts
        return mwaa.Environment(
            self._name,
            name=self._name,
            airflow_version=args.options.airflow_version,
            environment_class=size.airflow_class,
            min_workers=1,
            max_workers=size.airflow_workers,
            execution_role_arn=self.role.arn,
            source_bucket_arn=args.bucket_arn,
            dag_s3_path=DAGS,
            requirements_s3_path=REQUIREMENTS,
            requirements_s3_object_version=texts[REQUIREMENTS].version_id,
            startup_script_s3_path=STARTUP,
            startup_script_s3_object_version=texts[STARTUP].version_id,
            plugins_s3_path=args.artifacts.plugins.key,
            plugins_s3_object_version=args.artifacts.plugins.version_id,
            airflow_configuration_options=configuration(self._name),
            kms_key=args.key_arn,
            network_configuration=mwaa.EnvironmentNetworkConfigurationArgs(
                # Two, whatever there are: MWAA takes no third.
                subnet_ids=list(args.subnets)[:2],
                security_group_ids=[args.security_group],
            ),
            webserver_access_mode=f"{args.options.airflow_access.upper()}_ONLY",
            weekly_maintenance_window_start="SUN:04:00",
            logging_configuration=_logging(),
            opts=pulumi.ResourceOptions(
                parent=self,
                # Its metadata are in it: a new one begins without history.
                protect=args.options.protect,
                depends_on=[self.role, *logs, *args.artifacts.dags],
                custom_timeouts=pulumi.CustomTimeouts(create="2h", update="2h", delete="2h"),
            ),
        )


def prefix(name: str) -> str:
    """Return where Airflow's connections and variables are in Secrets Manager."""
    return f"{name}-secrets"


def namespace(name: str) -> str:
    """Return where CloudWatch keeps what DAGs measure."""
    return f"ecom/{name}"


def configuration(name: str) -> dict[str, str]:
    """Return Airflow's options that differ from MWAA's defaults."""
    where = {
        "connections_prefix": f"{prefix(name)}/connections",
        "variables_prefix": f"{prefix(name)}/variables",
    }
    return {
        "core.load_examples": "False",
        "core.dags_are_paused_at_creation": "False",
        "secrets.backend": _BACKEND,
        "secrets.backend_kwargs": json.dumps(where, sort_keys=True),
    }


def texts(options: Options, region: str) -> dict[str, str]:
    """Return the small files of MWAA, by key: packages with constraints, and where the variables are."""
    constraints = (
        "https://raw.githubusercontent.com/apache/airflow/"
        f"constraints-{options.airflow_version}/constraints-{_PYTHON}.txt"
    )
    return {
        REQUIREMENTS: "".join(f"{line}\n" for line in (f'--constraint "{constraints}"', *_PACKAGES)),
        STARTUP: (
            f"#!/bin/sh\nexport ECOM_ENV_FILE=/usr/local/airflow/{DAGS}/{PLATFORM}\n"
            f"export {REGION_VARIABLE}={region}\n"
        ),
    }


def _logging() -> mwaa.EnvironmentLoggingConfigurationArgs:
    part = mwaa.EnvironmentLoggingConfigurationDagProcessingLogsArgs(enabled=True, log_level="WARNING")
    return mwaa.EnvironmentLoggingConfigurationArgs(
        dag_processing_logs=part,
        scheduler_logs=mwaa.EnvironmentLoggingConfigurationSchedulerLogsArgs(
            enabled=True, log_level="WARNING"
        ),
        task_logs=mwaa.EnvironmentLoggingConfigurationTaskLogsArgs(enabled=True, log_level="INFO"),
        webserver_logs=mwaa.EnvironmentLoggingConfigurationWebserverLogsArgs(
            enabled=True, log_level="WARNING"
        ),
        worker_logs=mwaa.EnvironmentLoggingConfigurationWorkerLogsArgs(enabled=True, log_level="WARNING"),
    )


def _own(name: str, place: Place, bucket: str, key: str) -> list[Statement]:
    """Return what MWAA itself needs of its role."""
    queue = f"arn:{place.partition}:sqs:{place.region}:*:airflow-celery-*"
    return [
        allow(["airflow:PublishMetrics"], [place.arn("airflow", f"environment/{name}")]),
        # MWAA's documentation names these with their stars, and checks some of them when it is created.
        allow(
            ["s3:GetObject*", "s3:GetBucket*", "s3:List*"], [bucket, f"{bucket}/*"], sid="AsMwaaDocumentsIt"
        ),
        allow(["s3:GetAccountPublicAccessBlock"], ["*"], sid=f"{NO_NARROWER}S3"),
        allow(
            [
                "logs:CreateLogStream",
                "logs:CreateLogGroup",
                "logs:PutLogEvents",
                "logs:GetLogEvents",
                "logs:GetLogRecord",
                "logs:GetLogGroupFields",
                "logs:GetQueryResults",
            ],
            [place.arn("logs", f"log-group:airflow-{name}-*")],
        ),
        allow(["logs:DescribeLogGroups"], ["*"], sid=f"{NO_NARROWER}Logs"),
        *access.write_metrics([namespace(name), *_MWAAS_OWN]),
        # The queue is in an account of AWS's own, and its name is not told.
        allow(
            [
                "sqs:ChangeMessageVisibility",
                "sqs:DeleteMessage",
                "sqs:GetQueueAttributes",
                "sqs:GetQueueUrl",
                "sqs:ReceiveMessage",
                "sqs:SendMessage",
            ],
            [queue],
            sid="TheQueueIsInAnAccountOfAwss",
        ),
        allow(
            ["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey*", "kms:Encrypt"],
            [key],
            sid="AsMwaaDocumentsItForKms",
        ),
        *access.read_secrets([place.arn("secretsmanager", f"secret:{prefix(name)}/*")]),
    ]


def run_jobs(applications: Sequence[str], role: str) -> list[Statement]:
    """Start, watch and end job runs of these applications, and hand the jobs' role to them only."""
    return [
        allow(
            [
                "emr-serverless:StartJobRun",
                "emr-serverless:ListJobRuns",
                "emr-serverless:GetApplication",
                "emr-serverless:StartApplication",
            ],
            list(applications),
        ),
        allow(
            [
                "emr-serverless:GetJobRun",
                "emr-serverless:CancelJobRun",
                "emr-serverless:GetDashboardForJobRun",
            ],
            [f"{application}/jobruns/*" for application in applications],
        ),
        allow(["iam:PassRole"], [role], StringEquals={"iam:PassedToService": "emr-serverless.amazonaws.com"}),
    ]


def endpoint(url: str) -> AirflowEndpoint:
    """Return the endpoint; IAM signs people in, so there is no password."""
    return AirflowEndpoint(url=url)
