"""Rules about what runs on AWS: logged, with no more rights than it needs, and ending by itself."""

import json
from collections.abc import Callable, Iterator
from typing import Any

from policy.docker import may_be_secret
from policy.rule import Inputs, Rule, at, both, equals, present

AIRFLOW, TASK = "aws:mwaa/environment:Environment", "aws:ecs/taskDefinition:TaskDefinition"
SERVICE, CLUSTER = "aws:ecs/service:Service", "aws:ecs/cluster:Cluster"
SPARK, ALARM = "aws:emrserverless/application:Application", "aws:cloudwatch/metricAlarm:MetricAlarm"
_AIRFLOW_LOGS = ("dagProcessingLogs", "schedulerLogs", "taskLogs", "webserverLogs", "workerLogs")
Container = dict[str, Any]


def _each(look: Callable[[Container], Iterator[str]]) -> Callable[[Inputs], Iterator[str]]:
    """Return a look at each container of a task."""

    def looks(inputs: Inputs) -> Iterator[str]:
        for container in json.loads(inputs["containerDefinitions"]):
            yield from (f"{container['name']}: {wrong}" for wrong in look(container))

    return looks


def _rights(container: Container) -> Iterator[str]:
    if container.get("privileged"):
        yield "it is privileged"


def _read_only(container: Container) -> Iterator[str]:
    if not container.get("readonlyRootFilesystem"):
        yield "it may write to its own files"


def _logged(container: Container) -> Iterator[str]:
    if not container.get("logConfiguration"):
        yield "it logs nowhere"


def _secrets(container: Container) -> Iterator[str]:
    for variable in container.get("environment") or ():
        if may_be_secret(variable["name"], str(variable["value"])):
            yield f"the variable {variable['name']} may hold a secret"


def _two_roles(inputs: Inputs) -> Iterator[str]:
    if inputs.get("taskRoleArn") and inputs.get("taskRoleArn") == inputs.get("executionRoleArn"):
        yield "what runs has the role of what starts it"
    if inputs.get("pidMode") == "host":
        yield "it sees the host's processes"


def _insights(inputs: Inputs) -> Iterator[str]:
    found = {item["name"]: item["value"] for item in inputs.get("settings") or ()}
    if found.get("containerInsights") not in ("enabled", "enhanced"):
        yield "containerInsights is off"


def _platform(inputs: Inputs) -> Iterator[str]:
    if inputs.get("platformVersion") not in (None, "LATEST"):
        yield f"platformVersion {inputs.get('platformVersion')} stays behind"


def _rings(inputs: Inputs) -> Iterator[str]:
    if not list(inputs.get("alarmActions") or ()) or inputs.get("actionsEnabled") is False:
        yield "it rings nowhere"


def _airflow_logs(inputs: Inputs) -> Iterator[str]:
    for kind in _AIRFLOW_LOGS:
        if not at(inputs, f"loggingConfiguration.{kind}.enabled"):
            yield f"{kind} are off"


RULES = (
    Rule(
        "airflow-logs",
        AIRFLOW,
        "why a task failed is asked afterwards",
        _airflow_logs,
        ("CKV_AWS_242", "CKV_AWS_243", "CKV_AWS_244"),
    ),
    Rule("airflow-encrypted", AIRFLOW, "its history holds data", present("kmsKey")),
    Rule(
        "airflow-private",
        AIRFLOW,
        "it may start anything",
        equals(webserverAccessMode="PRIVATE_ONLY"),
        ("CKV2_AWS_66",),
        advice=True,
    ),
    Rule(
        "spark-ends",
        SPARK,
        "a forgotten application must cost nothing",
        both(
            equals(autoStopConfiguration__enabled=True),
            present("maximumCapacity.cpu", "maximumCapacity.memory"),
        ),
    ),
    Rule(
        "spark-logs",
        SPARK,
        "why a job failed is asked afterwards",
        present(
            "monitoringConfiguration.cloudwatchLoggingConfiguration.enabled",
            "monitoringConfiguration.cloudwatchLoggingConfiguration.encryptionKeyArn",
        ),
    ),
    Rule(
        "spark-in-the-network",
        SPARK,
        "it works on customers' data",
        present("networkConfiguration.subnetIds", "networkConfiguration.securityGroupIds"),
    ),
    Rule("cluster-insights", CLUSTER, "why it was full is asked afterwards", _insights, ("CKV_AWS_65",)),
    Rule(
        "service-private",
        SERVICE,
        "the load balancer is the way in",
        both(equals(networkConfiguration__assignPublicIp=False), _platform),
        ("CKV_AWS_332", "CKV_AWS_333", "ecs_service_no_assign_public_ip"),
    ),
    Rule(
        "task-rights",
        TASK,
        "what breaks in must find nothing to use",
        both(_each(_rights), _two_roles),
        ("CKV_AWS_249", "CKV_AWS_334", "CKV_AWS_335", "ecs_task_definitions_no_privileged_containers"),
    ),
    Rule(
        "task-read-only",
        TASK,
        "what breaks in must not stay",
        _each(_read_only),
        ("CKV_AWS_336", "ecs_task_definitions_containers_readonly_access"),
    ),
    Rule(
        "task-logs",
        TASK,
        "why it ended is asked afterwards",
        _each(_logged),
        ("ecs_task_definitions_logging_enabled",),
    ),
    Rule(
        "task-no-secret",
        TASK,
        "the console shows variables to whoever may look",
        _each(_secrets),
        ("ecs_task_definitions_no_environment_secrets",),
    ),
    Rule(
        "topic-encrypted",
        "aws:sns/topic:Topic",
        "alarms tell what is wrong and where",
        present("kmsMasterKeyId"),
        ("CKV_AWS_26", "sns_topics_kms_encryption_at_rest_enabled"),
    ),
    Rule("alarm-rings", ALARM, "an alarm that nobody hears is none", _rings, ("CKV_AWS_319",)),
)
