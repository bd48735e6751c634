"""The AWS environment keeps every rule, and each rule finds a violation that is planted into it."""

import copy
import json
from collections.abc import Callable
from typing import Any, get_args

import pytest

from environments.aws.observability import USUAL_USD
from environments.aws.sizes import SizeName
from policy import RULES, STACK_RULES, Resource, Rule, StackRule, broken, prices
from policy.aws_cost import always
from policy.aws_kinds import KNOWN
from policy.waivers import WAIVERS
from tests.unit.aws_mocks import ACCOUNT, NAME, REGION, AwsRecorder, config, made

SAFE = {
    "certificateArn": f"arn:aws:acm:{REGION}:{ACCOUNT}:certificate/abc",
    "domain": "bi.example.com",
    "dashboardsAccess": "public",
    "alarmEmail": "ops@example.com",
}
EVERY: tuple[Rule | StackRule, ...] = (*RULES, *STACK_RULES)
ALL: dict[SizeName, dict[str, str]] = {
    "small": {"producer": "true", "alarmEmail": "ops@example.com"},
    "standard": {"zones": "3", "nat": "per-zone"},
    "production": {"zones": "3", "nat": "per-zone", **SAFE},
}
Stack = list[Resource]


def resources(recorder: AwsRecorder) -> Stack:
    return [Resource(one.typ, one.name, one.inputs) for one in recorder.every if one.custom]


@pytest.fixture(scope="module")
def stacks(tmp_path_factory) -> dict[SizeName, Stack]:
    folder = tmp_path_factory.mktemp("artifacts")
    return {size: resources(made(config(folder, size=size, **more))) for size, more in ALL.items()}


@pytest.fixture
def production(stacks) -> Stack:
    return copy.deepcopy(stacks["production"])


@pytest.mark.parametrize("size", get_args(SizeName))
def test_every_size_keeps_every_rule(size, stacks):
    assert broken(stacks[size]) == []


def test_every_rule_has_something_to_look_at(stacks):
    there = {one.type for one in stacks["production"]}
    never = {
        "aws:iam/policy:Policy",
        "aws:iam/user:User",
        "aws:iam/accessKey:AccessKey",
        "aws:secretsmanager/secretPolicy:SecretPolicy",
        "aws:ecr/repositoryPolicy:RepositoryPolicy",
    }
    kinds = {rule.kind for rule in RULES if rule.kind.startswith("aws:")}
    assert kinds - there == never


def of_aws(rule: Rule | StackRule) -> bool:
    return not (isinstance(rule, Rule) and rule.kind.startswith("docker:"))


def test_a_rule_names_the_auditors_check_that_it_mirrors_or_is_ours_alone():
    assert {rule.name for rule in EVERY if of_aws(rule) and not rule.mirrors} == {
        "database-password",
        "topic-copies",
        "airflow-encrypted",
        "spark-ends",
        "spark-logs",
        "spark-in-the-network",
        "tagged",
        "cost-ceiling",
        "known-kinds",
        "no-other-account",
        "rights-in-one-place",
    }


def test_every_waiver_is_needed(stacks, monkeypatch):
    monkeypatch.setattr("policy.waivers.WAIVERS", ())
    lines = broken(stacks["production"])
    assert len(lines) == len(WAIVERS) == 1
    assert lines[0].startswith(f"{NAME}-metabase: task-read-only: metabase: it may write")


def setting(path: str, value: object) -> Callable[[Any], None]:
    """Return what puts a value at a path of a resource's inputs."""

    def put(inputs: Any) -> None:
        *before, last = path.split(".")
        for word in before:
            inputs = inputs[int(word) if word.isdigit() else word]
        inputs[last] = value

    return put


def in_policy(key: str, **change: object) -> Callable[[Any], None]:
    """Return what changes the last statement of a policy."""

    def put(inputs: Any) -> None:
        policy = json.loads(inputs[key])
        policy["Statement"][-1] |= change
        inputs[key] = json.dumps(policy)

    return put


def in_container(**change: object) -> Callable[[Any], None]:
    def put(inputs: Any) -> None:
        containers = json.loads(inputs["containerDefinitions"])
        containers[0] |= change
        inputs["containerDefinitions"] = json.dumps(containers)

    return put


def everybody(first: int, last: int) -> Callable[[Any], None]:
    def put(inputs: Any) -> None:
        del inputs["referencedSecurityGroupId"]
        inputs |= {"cidrIpv4": "0.0.0.0/0", "fromPort": first, "toPort": last}

    return put


OPEN = {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": ["arn:aws:s3:::b/*"], "Sid": ""}
RDS, MSK, PARAMETERS = "rds/instance:Instance", "msk/cluster:Cluster", "rds/parameterGroup:ParameterGroup"
IN, OUT = (
    "vpc/securityGroupIngressRule:SecurityGroupIngressRule",
    "vpc/securityGroupEgressRule:SecurityGroupEgressRule",
)
LB, LISTENER, POLICY = "lb/loadBalancer:LoadBalancer", "lb/listener:Listener", "iam/rolePolicy:RolePolicy"
TASK, SERVICE, MWAA = (
    "ecs/taskDefinition:TaskDefinition",
    "ecs/service:Service",
    "mwaa/environment:Environment",
)
EMR, LOGS, ECR = (
    "emrserverless/application:Application",
    "cloudwatch/logGroup:LogGroup",
    "ecr/repository:Repository",
)
IN_TRANSIT = "encryptionInfo.encryptionInTransit"
NO_TLS = [{"name": "rds.force_ssl", "value": "0"}]

PLANTED: list[tuple[str, str, Callable[[Any], None]]] = [
    ("database-private", RDS, setting("publiclyAccessible", True)),
    ("database-private", RDS, setting("publiclyAccessible", None)),
    ("database-encrypted", RDS, setting("storageEncrypted", False)),
    ("database-encrypted", RDS, setting("kmsKeyId", None)),
    ("database-tls", PARAMETERS, setting("parameters", NO_TLS)),
    ("database-tls", PARAMETERS, setting("parameters", [])),
    ("database-backups", RDS, setting("backupRetentionPeriod", 1)),
    ("database-backups", RDS, setting("skipFinalSnapshot", True)),
    ("database-kept", RDS, setting("deletionProtection", False)),
    ("database-watched", RDS, setting("performanceInsightsEnabled", False)),
    ("database-watched", RDS, setting("enabledCloudwatchLogsExports", [])),
    ("database-patched", RDS, setting("autoMinorVersionUpgrade", False)),
    ("database-patched", RDS, setting("caCertIdentifier", "rds-ca-2019")),
    ("database-password", RDS, setting("password", "hunter2")),
    ("database-password", RDS, setting("manageMasterUserPassword", False)),
    (
        "brokers-private",
        MSK,
        setting("brokerNodeGroupInfo.connectivityInfo.publicAccess.type", "SERVICE_PROVIDED_EIPS"),
    ),
    ("brokers-encrypted", MSK, setting(f"{IN_TRANSIT}.clientBroker", "TLS_PLAINTEXT")),
    ("brokers-encrypted", MSK, setting(f"{IN_TRANSIT}.inCluster", False)),
    ("brokers-encrypted", MSK, setting("encryptionInfo.encryptionAtRestKmsKeyArn", None)),
    ("brokers-sign-in", MSK, setting("clientAuthentication.unauthenticated", True)),
    ("brokers-logs", MSK, setting("loggingInfo", None)),
    ("topic-copies", "msk/topic:Topic", setting("replicationFactor", 1)),
    ("secret-encrypted", "secretsmanager/secret:Secret", setting("kmsKeyId", None)),
    ("key-rotates", "kms/key:Key", setting("enableKeyRotation", False)),
    ("object-encrypted", "s3/bucketObjectv2:BucketObjectv2", setting("serverSideEncryption", None)),
    ("registry-exact", ECR, setting("imageTagMutability", "MUTABLE")),
    ("registry-exact", ECR, setting("encryptionConfigurations", None)),
    ("log-ends", LOGS, setting("retentionInDays", None)),
    ("log-encrypted", LOGS, setting("kmsKeyId", None)),
    ("closed-ingress", IN, everybody(22, 22)),
    ("closed-ingress", IN, everybody(0, 65535)),
    ("closed-ingress", IN, setting("cidrIpv4", "10.0.0.0/8")),
    ("only-balancers-are-open", IN, everybody(443, 443)),
    ("closed-egress", OUT, everybody(0, 65535)),
    ("described-flows", IN, setting("description", "")),
    ("no-inline-flows", "ec2/securityGroup:SecurityGroup", setting("ingress", [{"protocol": "-1"}])),
    (
        "closed-default-group",
        "ec2/defaultSecurityGroup:DefaultSecurityGroup",
        setting("egress", [{"protocol": "-1"}]),
    ),
    ("no-public-addresses", "ec2/subnet:Subnet", setting("mapPublicIpOnLaunch", True)),
    ("balancer-logs", LB, setting("accessLogs.enabled", False)),
    ("balancer-logs", LB, setting("dropInvalidHeaderFields", False)),
    ("only-balancers-are-open", LB, setting("internal", True)),
    ("modern-tls", LISTENER, setting("sslPolicy", "ELBSecurityPolicy-2016-08")),
    ("public-by-tls", LISTENER, setting("protocol", "HTTP")),
    ("airflow-logs", MWAA, setting("loggingConfiguration.workerLogs.enabled", False)),
    ("airflow-encrypted", MWAA, setting("kmsKey", None)),
    ("airflow-private", MWAA, setting("webserverAccessMode", "PUBLIC_ONLY")),
    ("spark-ends", EMR, setting("autoStopConfiguration.enabled", False)),
    ("spark-ends", EMR, setting("maximumCapacity", None)),
    (
        "spark-logs",
        EMR,
        setting("monitoringConfiguration.cloudwatchLoggingConfiguration.encryptionKeyArn", None),
    ),
    ("spark-in-the-network", EMR, setting("networkConfiguration", None)),
    ("cluster-insights", "ecs/cluster:Cluster", setting("settings", [])),
    ("service-private", SERVICE, setting("networkConfiguration.assignPublicIp", True)),
    ("service-private", SERVICE, setting("platformVersion", "1.3.0")),
    ("task-rights", TASK, in_container(privileged=True)),
    ("task-rights", TASK, setting("pidMode", "host")),
    ("task-read-only", TASK, in_container(readonlyRootFilesystem=False)),
    ("task-logs", TASK, in_container(logConfiguration=None)),
    ("task-no-secret", TASK, in_container(environment=[{"name": "MB_DB_PASS", "value": "hunter2"}])),
    ("topic-encrypted", "sns/topic:Topic", setting("kmsMasterKeyId", None)),
    ("alarm-rings", "cloudwatch/metricAlarm:MetricAlarm", setting("alarmActions", [])),
    ("named-actions", POLICY, in_policy("policy", Action="*")),
    ("named-actions", POLICY, in_policy("policy", Action=["s3:*"], Sid="BecauseItIsEasier")),
    ("named-actions", POLICY, in_policy("policy", Action=["s3:Put*"], Sid="")),
    ("named-actions", POLICY, in_policy("policy", NotAction=["iam:PassRole"])),
    ("named-resources", POLICY, in_policy("policy", Resource="*", Sid="")),
    ("named-resources", POLICY, in_policy("policy", Resource=["arn:aws:s3:::*"], Sid="")),
    *(
        ("named-resources", POLICY, in_policy("policy", Resource=[f"arn:aws:{everything}"], Sid=sid))
        for sid in ("", "VisualEditor0", "Reason")
        for everything in (
            "secretsmanager:eu-central-1:123456789012:secret:*",
            "kafka:eu-central-1:123456789012:topic/*",
            "iam::123456789012:role/*",
            "logs:eu-central-1:123456789012:log-group:*",
            "emr-serverless:eu-central-1:123456789012:/applications/*",
        )
    ),
    ("named-resources", POLICY, in_policy("policy", Resource=["arn:aws:sqs:eu-central-1:*:q"], Sid="")),
    (
        "no-outsiders",
        "s3/bucketPolicy:BucketPolicy",
        in_policy("policy", **OPEN, Principal="*", Condition=None),
    ),
    ("no-outsiders", "kms/key:Key", in_policy("policy", Principal={"AWS": "*"}, Condition=None)),
    (
        "no-outsiders",
        "sns/topicPolicy:TopicPolicy",
        in_policy("policy", Principal={"AWS": ["*"]}, Condition={}),
    ),
    (
        "no-outsiders",
        "sns/topicPolicy:TopicPolicy",
        in_policy("policy", Principal="*", Condition={"Bool": {"aws:SecureTransport": "true"}}),
    ),
    *(
        ("no-other-account", "kms/key:Key", in_policy("policy", Principal={"AWS": outsider}))
        for outsider in (
            "arn:aws:iam::999999999999:root",
            "999999999999",
            ["arn:aws:iam::999999999999:user/x"],
        )
    ),
    (
        "no-other-account",
        "iam/role:Role",
        in_policy("assumeRolePolicy", Condition={"StringEquals": {"aws:SourceAccount": "999999999999"}}),
    ),
    (
        "rights-in-one-place",
        "iam/role:Role",
        setting("managedPolicyArns", ["arn:aws:iam::aws:policy/AdministratorAccess"]),
    ),
    ("rights-in-one-place", "iam/role:Role", setting("inlinePolicies", [{"name": "x", "policy": "{}"}])),
    ("trusted-services", "iam/role:Role", in_policy("assumeRolePolicy", Principal={"AWS": "*"})),
    ("trusted-services", "iam/role:Role", in_policy("assumeRolePolicy", Condition=None)),
    (
        "no-administrator",
        "iam/rolePolicyAttachment:RolePolicyAttachment",
        setting("policyArn", "arn:aws:iam::aws:policy/AdministratorAccess"),
    ),
    ("tagged", RDS, setting("tags.Owner", "")),
    (
        "bucket-private",
        "s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
        setting("blockPublicAcls", False),
    ),
    (
        "bucket-encrypted",
        "s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
        setting("rules", []),
    ),
    (
        "bucket-versioned",
        "s3/bucketVersioning:BucketVersioning",
        setting("versioningConfiguration.status", "Suspended"),
    ),
    ("bucket-ends", "s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration", setting("rules", [])),
    ("bucket-by-tls", "s3/bucketPolicy:BucketPolicy", setting("policy", '{"Statement": []}')),
    ("production-safe", RDS, setting("multiAz", False)),
    ("production-safe", LOGS, setting("retentionInDays", 90)),
    ("production-safe", "msk/topic:Topic", setting("configs", '{"min.insync.replicas": "1"}')),
    ("production-safe", "msk/topic:Topic", setting("configs", None)),
    ("cost-ceiling", RDS, setting("allocatedStorage", 60_000)),
    ("cost-ceiling", MSK, setting("brokerNodeGroupInfo.instanceType", "kafka.m7g.16xlarge")),
]


@pytest.mark.parametrize(
    ("rule", "kind", "plant"), PLANTED, ids=[f"{name}-{i}" for i, (name, _, _) in enumerate(PLANTED)]
)
def test_a_planted_violation_is_named(rule, kind, plant, production):
    # Not Metabase's task, which may write to its files.
    found = [
        one for one in production if one.type.endswith(f":{kind}") and not one.name.endswith("-metabase")
    ]
    victim = found[0] if found else next(one for one in production if one.type.endswith(f":{kind}"))
    plant(victim.inputs)
    lines = broken(production)
    assert any(f": {rule}: " in line for line in lines), lines
    assert "hunter2" not in "".join(lines)
    # Nothing else is found, except where one mistake is two.
    others = {line.split(": ")[1] for line in lines} - {rule}
    assert others <= {
        "only-balancers-are-open",
        "closed-ingress",
        "named-resources",
        "public-by-tls",
        "production-safe",
        "bucket-by-tls",
    }, lines


@pytest.mark.parametrize("kind", ["aws:iam/user:User", "aws:iam/accessKey:AccessKey"])
def test_nobody_gets_keys_that_do_not_end(kind, production):
    tags = {"tags": dict.fromkeys(("Project", "Stack", "Owner", "Size"), "x")}
    assert any(": no-long-keys: " in line for line in broken([*production, Resource(kind, "ci", tags)]))


@pytest.mark.parametrize(
    ("kind", "inputs"),
    [
        ("ec2/securityGroupRule:SecurityGroupRule", {"type": "ingress", "cidrBlocks": ["0.0.0.0/0"]}),
        ("rds/cluster:Cluster", {"storageEncrypted": False}),
        ("iam/userPolicy:UserPolicy", {"policy": '{"Statement": {"Effect": "Allow", "Action": "*"}}'}),
    ],
)
def test_a_kind_that_no_rule_knows_is_refused(kind, inputs, production):
    lines = broken([*production, Resource(f"aws:{kind}", "new", inputs)])
    assert f"new: known-kinds: no rule looks at aws:{kind}: see policy/aws_kinds.py" in "".join(lines)


def test_the_known_kinds_are_those_that_a_stack_is_made_of(stacks):
    assert {one.type for stack in stacks.values() for one in stack if one.type.startswith("aws:")} == KNOWN


@pytest.mark.parametrize(
    ("rule", "left_out"),
    [
        ("bucket-logs", "s3/bucketLogging:BucketLogging"),
        ("bucket-private", "s3/bucketPublicAccessBlock:BucketPublicAccessBlock"),
        ("flow-logs", "ec2/flowLog:FlowLog"),
    ],
)
def test_what_was_left_out_is_missed(rule, left_out, production):
    kept = [one for one in production if not one.type.endswith(f":{left_out}")]
    assert any(f": {rule}: " in line for line in broken(kept))


def test_every_rule_was_seen_to_fail():
    planted = {name for name, _, _ in PLANTED} | {"no-long-keys", "bucket-logs", "flow-logs", "known-kinds"}
    ours = {rule.name for rule in EVERY if of_aws(rule)}
    assert planted == ours


def test_ceilings_are_the_budgets_and_above_what_always_runs(stacks):
    assert {size: float(usd) for size, usd in USUAL_USD.items()} == prices.CEILINGS
    for size, stack in stacks.items():
        assert 0.3 * prices.CEILINGS[size] < always(stack) < prices.CEILINGS[size], size
