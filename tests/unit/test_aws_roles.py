"""Each role both ways: what its component calls is allowed, and what would do harm is not."""

import json
from typing import Any

import pytest
from moto.iam.access_control import IAMPolicy, PermissionResult
from policy_sentry.querying.actions import get_action_data

from environments.aws.policies import NO_NARROWER
from tests.unit.aws_mocks import ACCOUNT, NAME, REGION, AwsRecorder, config, made
from tests.unit.iam import allowed

Statements = list[dict[str, Any]]
Call = tuple[str, str]
HERE = f"{REGION}:{ACCOUNT}"
KEY = f"arn:aws:kms:{HERE}:key/{NAME}"
DATA, ARTIFACTS = f"arn:aws:s3:::{NAME}-data", f"arn:aws:s3:::{NAME}-artifacts"
CLUSTER = f"arn:aws:kafka:{HERE}:cluster/{NAME}-events/uuid-1"
BATCH, STREAM = (
    f"arn:aws:emr-serverless:{HERE}:/applications/{NAME}-spark-{kind}" for kind in ("batch", "stream")
)
JOBS_ROLE = f"arn:aws:iam::{ACCOUNT}:role/{NAME}-spark-jobs"
TO_EMR = {"iam:PassedToService": "emr-serverless.amazonaws.com"}
ROLES = {
    "net-flows",
    "spark-jobs",
    "airflow-run",
    "setup",
    "setup-start",
    "provision",
    "provision-start",
    "operator",
    "operator-start",
    "metabase-start",
    "producer",
    "producer-start",
}


def secret(name: str) -> str:
    return f"arn:aws:secretsmanager:{HERE}:secret:{NAME}-secret-{name}-AbCdEf"


def topic(name: str) -> str:
    return f"arn:aws:kafka:{HERE}:topic/{NAME}-events/uuid-1/{name}"


def group(name: str) -> str:
    return f"arn:aws:kafka:{HERE}:group/{NAME}-events/uuid-1/{name}"


def logs(name: str) -> str:
    return f"arn:aws:logs:{HERE}:log-group:{name}:log-stream:one"


MASTER = f"arn:aws:secretsmanager:{HERE}:secret:rds!db-AbCdEf"
REPOSITORY = f"arn:aws:ecr:{HERE}:repository/{NAME}-image"
# By role: what the component does, in the order in which it does it.
MAY: dict[str, list[Call]] = {
    "net-flows": [
        ("logs:CreateLogStream", f"arn:aws:logs:{HERE}:log-group:{NAME}-net-flows:*"),
        ("logs:PutLogEvents", logs(f"{NAME}-net-flows")),
    ],
    "spark-jobs": [
        *(
            ("s3:GetObject", f"{ARTIFACTS}/{key}")
            for key in ("code/h/code.zip", "entry/h/batch.py", "env/h/v.zip")
        ),
        *(
            ("s3:GetObject", f"{ARTIFACTS}/{key}")
            for key in ("jars/h/msk.jar", "python/h/environment.tar.gz")
        ),
        ("s3:ListBucket", DATA),
        *((f"s3:{verb}Object", f"{DATA}/checkpoints/orders/offsets/1") for verb in ("Get", "Put", "Delete")),
        ("kms:GenerateDataKey", KEY),
        ("kms:Decrypt", KEY),
        ("secretsmanager:GetSecretValue", secret("ingest")),
        ("secretsmanager:GetSecretValue", secret("etl")),
        ("kafka-cluster:Connect", CLUSTER),
        ("kafka-cluster:DescribeTopic", topic("orders")),
        ("kafka-cluster:ReadData", topic("orders")),
        ("kafka-cluster:DescribeGroup", group("spark-kafka-source-1-driver-0")),
        ("kafka-cluster:AlterGroup", group("spark-kafka-source-1-driver-0")),
        ("kafka-cluster:WriteDataIdempotently", CLUSTER),
        ("kafka-cluster:WriteData", topic("orders_dlq")),
        ("logs:PutLogEvents", logs(f"{NAME}-spark-jobs")),
        ("logs:AssociateKmsKey", f"arn:aws:logs:{HERE}:log-group:{NAME}-spark-jobs:*"),
    ],
    "airflow-run": [
        ("airflow:PublishMetrics", f"arn:aws:airflow:{HERE}:environment/{NAME}-airflow"),
        ("s3:GetObjectVersion", f"{ARTIFACTS}/airflow/plugins.zip"),
        ("s3:GetObject", f"{ARTIFACTS}/dags/daily_orders.py"),
        ("s3:ListBucket", ARTIFACTS),
        ("s3:GetBucketLocation", ARTIFACTS),
        ("logs:PutLogEvents", logs(f"airflow-{NAME}-airflow-Task")),
        ("sqs:SendMessage", f"arn:aws:sqs:{REGION}:999999999999:airflow-celery-1"),
        ("kms:Decrypt", KEY),
        (
            "secretsmanager:GetSecretValue",
            f"arn:aws:secretsmanager:{HERE}:secret:{NAME}-airflow-secrets/connections/x",
        ),
        ("secretsmanager:GetSecretValue", secret("etl")),
        *(
            (f"emr-serverless:{verb}", kind)
            for verb in ("StartJobRun", "ListJobRuns")
            for kind in (BATCH, STREAM)
        ),
        *((f"emr-serverless:{verb}", f"{STREAM}/jobruns/1") for verb in ("GetJobRun", "CancelJobRun")),
        ("kafka-cluster:ReadData", topic("orders_dlq")),
        ("kafka-cluster:WriteData", topic("orders")),
        ("kafka-cluster:WriteDataIdempotently", CLUSTER),
    ],
    "setup": [("secretsmanager:GetSecretValue", MASTER), ("kms:Decrypt", KEY)]
    + [("secretsmanager:GetSecretValue", secret(name)) for name in ("ingest", "etl", "bi_readonly")],
    "provision": [("secretsmanager:GetSecretValue", secret("metabase_admin")), ("kms:Decrypt", KEY)],
    "operator": [
        ("secretsmanager:GetSecretValue", secret("ingest")),
        ("secretsmanager:GetSecretValue", secret("etl")),
        ("kms:Decrypt", KEY),
        ("kafka-cluster:Connect", CLUSTER),
        ("kafka-cluster:ReadData", topic("orders_dlq")),
        ("kafka-cluster:WriteDataIdempotently", CLUSTER),
        ("kafka-cluster:WriteData", topic("orders")),
    ],
    "metabase-start": [
        ("secretsmanager:GetSecretValue", secret("metabase_database")),
        ("secretsmanager:GetSecretValue", secret("metabase_key")),
        ("logs:PutLogEvents", logs(f"{NAME}-log")),
        ("kms:Decrypt", KEY),
    ],
    "producer": [
        ("kafka-cluster:Connect", CLUSTER),
        ("kafka-cluster:WriteDataIdempotently", CLUSTER),
        ("kafka-cluster:DescribeTopic", topic("orders")),
        ("kafka-cluster:WriteData", topic("orders")),
    ],
} | {
    name: [
        ("ecr:GetAuthorizationToken", "*"),
        ("ecr:BatchGetImage", REPOSITORY),
        ("ecr:GetDownloadUrlForLayer", REPOSITORY),
        ("logs:PutLogEvents", logs(f"{NAME}-log")),
    ]
    for name in ("setup-start", "provision-start", "operator-start", "producer-start")
}
# What nobody in the platform has any business with.
NOBODY: list[Call] = [
    ("iam:CreateUser", "*"),
    ("iam:CreateAccessKey", f"arn:aws:iam::{ACCOUNT}:user/x"),
    ("iam:AttachRolePolicy", JOBS_ROLE),
    ("iam:PutRolePolicy", JOBS_ROLE),
    ("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/Administrator"),
    ("sts:AssumeRole", f"arn:aws:iam::{ACCOUNT}:role/Administrator"),
    ("kms:ScheduleKeyDeletion", KEY),
    ("kms:PutKeyPolicy", KEY),
    ("kms:CreateGrant", KEY),
    ("kms:Decrypt", f"arn:aws:kms:{HERE}:key/of-another-stack"),
    ("rds:DeleteDBInstance", f"arn:aws:rds:{HERE}:db:{NAME}-warehouse"),
    ("rds:ModifyDBInstance", f"arn:aws:rds:{HERE}:db:{NAME}-warehouse"),
    ("kafka:DeleteCluster", CLUSTER),
    ("kafka-cluster:DeleteTopic", topic("orders")),
    ("kafka-cluster:AlterTopic", topic("orders")),
    ("kafka-cluster:AlterCluster", CLUSTER),
    ("kafka-cluster:Connect", CLUSTER.replace(NAME, "ecom-other")),
    ("s3:DeleteBucket", DATA),
    ("s3:PutBucketPolicy", DATA),
    ("s3:PutObject", f"{ARTIFACTS}/dags/evil.py"),
    ("s3:DeleteObject", f"{ARTIFACTS}/code/h/code.zip"),
    ("s3:GetObject", "arn:aws:s3:::another-bucket/secret"),
    ("secretsmanager:GetSecretValue", f"arn:aws:secretsmanager:{HERE}:secret:of-another-team-AbCdEf"),
    ("secretsmanager:PutSecretValue", secret("etl")),
    ("secretsmanager:DeleteSecret", secret("etl")),
    ("ec2:AuthorizeSecurityGroupIngress", f"arn:aws:ec2:{HERE}:security-group/sg-1"),
    ("emr-serverless:DeleteApplication", BATCH),
    ("emr-serverless:UpdateApplication", BATCH),
    ("emr-serverless:StartJobRun", BATCH.replace(NAME, "ecom-other")),
    ("logs:DeleteLogGroup", f"arn:aws:logs:{HERE}:log-group:{NAME}-net-flows"),
    ("ecr:PutImage", REPOSITORY),
    ("cloudwatch:PutMetricData", "*"),
    ("cloudwatch:DeleteAlarms", "*"),
]
# What one role may, another may not.
NOT_THESE: dict[str, list[Call]] = {
    "spark-jobs": [
        ("secretsmanager:GetSecretValue", MASTER),
        ("secretsmanager:GetSecretValue", secret("metabase_admin")),
        # Who reads orders must not write any.
        ("kafka-cluster:WriteData", topic("orders")),
        ("emr-serverless:StartJobRun", BATCH),
        ("s3:PutObject", f"{DATA}/elsewhere"),
        ("iam:PassRole", JOBS_ROLE),
    ],
    "airflow-run": [
        ("secretsmanager:GetSecretValue", MASTER),
        ("kafka-cluster:WriteData", topic("orders_dlq")),
        ("s3:GetObject", f"{DATA}/checkpoints/orders/offsets/1"),
        ("s3:PutObject", f"{ARTIFACTS}/airflow/plugins.zip"),
        ("logs:PutLogEvents", logs(f"{NAME}-spark-jobs")),
    ],
    "setup": [("kafka-cluster:Connect", CLUSTER), ("secretsmanager:GetSecretValue", secret("metabase_key"))],
    "provision": [
        ("secretsmanager:GetSecretValue", secret("etl")),
        ("secretsmanager:GetSecretValue", MASTER),
    ],
    "operator": [
        ("secretsmanager:GetSecretValue", MASTER),
        ("secretsmanager:GetSecretValue", secret("metabase_admin")),
        ("kafka-cluster:WriteData", topic("orders_dlq")),
        ("s3:PutObject", f"{DATA}/checkpoints/orders/offsets/1"),
    ],
    "metabase-start": [("secretsmanager:GetSecretValue", secret("etl"))],
    "producer": [
        ("kafka-cluster:ReadData", topic("orders")),
        ("kafka-cluster:WriteData", topic("orders_dlq")),
        ("secretsmanager:GetSecretValue", secret("ingest")),
    ],
}


@pytest.fixture(scope="module")
def policies(tmp_path_factory) -> dict[str, Statements]:
    recorder: AwsRecorder = made(config(tmp_path_factory.mktemp("artifacts"), producer="true"))
    return {
        name.removeprefix(f"{NAME}-").removesuffix("-policy"): json.loads(inputs["policy"])["Statement"]
        for name, inputs in recorder.of("RolePolicy").items()
    }


def test_every_role_is_looked_at(policies):
    assert set(policies) == ROLES == set(MAY)


@pytest.mark.parametrize(("role", "call"), [(role, call) for role, calls in MAY.items() for call in calls])
def test_what_its_component_calls_is_allowed(role, call, policies):
    assert allowed(policies[role], *call)


@pytest.mark.parametrize("role", sorted(ROLES))
def test_what_would_do_harm_is_not(role, policies):
    assert [call for call in NOBODY if allowed(policies[role], *call)] == []


@pytest.mark.parametrize("role", NOT_THESE)
def test_what_another_role_may_is_not(role, policies):
    assert [call for call in NOT_THESE[role] if allowed(policies[role], *call)] == []


def test_the_jobs_role_is_handed_to_emr_serverless_and_to_nobody_else(policies):
    run = policies["airflow-run"]
    assert allowed(run, "iam:PassRole", JOBS_ROLE, TO_EMR)
    assert not allowed(run, "iam:PassRole", JOBS_ROLE)
    assert not allowed(run, "iam:PassRole", JOBS_ROLE, {"iam:PassedToService": "lambda.amazonaws.com"})
    assert not allowed(run, "iam:PassRole", f"{JOBS_ROLE}-other", TO_EMR)


@pytest.mark.parametrize(
    ("namespace", "may"), [(f"ecom/{NAME}-airflow", True), ("AmazonMWAA", True), ("x", False)]
)
def test_metrics_go_into_namespaces_of_ours(namespace, may, policies):
    context = {"cloudwatch:namespace": namespace}
    assert allowed(policies["airflow-run"], "cloudwatch:PutMetricData", "*", context) is may


def test_every_action_is_one_of_awss_and_on_a_resource_that_it_knows(policies):
    wrong = [
        f"{role}: {action} on {resource}"
        for role, statements in policies.items()
        for one in statements
        for action in one["Action"]
        for resource in one["Resource"]
        if not _known(action, resource, one)
    ]
    assert wrong == []


def _known(action: str, resource: str, statement: dict[str, Any]) -> bool:
    service, _, name = action.partition(":")
    if "*" in name:
        return bool(statement["Sid"].startswith("AsMwaaDocumentsIt"))
    data = get_action_data(service, name)
    assert data, f"AWS has no {action}"
    formats = [each["resource_arn_format"] for each in data[service]]
    if resource == "*":
        # A reason that says that there is no narrower one must be true.
        return formats == ["*"] and statement["Sid"].startswith(NO_NARROWER)
    others = [each for each in statement["Action"] if each != action]
    return any(_fits(each, resource) for each in formats) or bool(
        others and _shares(statement, resource, others)
    )


def _shares(statement: dict[str, Any], resource: str, others: list[str]) -> bool:
    """Tell whether a resource is there for another action, and this one has its own beside it."""
    for other in others:
        service, _, name = other.partition(":")
        data = get_action_data(service, name) if "*" not in name else None
        if data and any(_fits(each["resource_arn_format"], resource) for each in data[service]):
            return len(statement["Resource"]) > 1
    return False


def _fits(form: str, resource: str) -> bool:
    """Tell whether a resource is of a form: the same service, and the same words before its name."""
    if form == "*":
        return False
    ours, theirs = resource.split(":", 5), form.split(":", 5)
    start = theirs[5].partition("${")[0]
    return bool(ours[2] == theirs[2] and ours[5].startswith(start))


S3 = {"Effect": "Allow", "Action": ["s3:Get*"], "Resource": ["arn:aws:s3:::b/a?c/*"]}
NOT = {"Effect": "Deny", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/abc/secret"}


class TestTheDecider:
    def test_stars_question_marks_and_cases(self):
        assert allowed([S3], "S3:getobject", "arn:aws:s3:::b/abc/d/e")
        assert not allowed([S3], "s3:GetObject", "arn:aws:s3:::B/abc/d")
        assert not allowed([S3], "s3:GetObject", "arn:aws:s3:::b/abbc/d")
        assert not allowed([S3], "s3:PutObject", "arn:aws:s3:::b/abc/d")

    def test_a_deny_wins_and_silence_is_no(self):
        assert not allowed([S3, NOT], "s3:GetObject", "arn:aws:s3:::b/abc/secret")
        assert allowed([S3, NOT], "s3:GetObject", "arn:aws:s3:::b/abc/other")
        assert not allowed([], "s3:GetObject", "arn:aws:s3:::b/abc/other")

    def test_what_it_does_not_know_it_says(self):
        with pytest.raises(NotImplementedError, match="NotAction"):
            allowed([{"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}], "s3:GetObject", "*")
        once = S3 | {"Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}}
        with pytest.raises(NotImplementedError, match="IpAddress"):
            allowed([once], "s3:GetObject", "arn:aws:s3:::b/abc/d")

    @pytest.mark.parametrize("role", sorted(ROLES))
    def test_it_agrees_with_motos_wherever_no_condition_is(self, role, policies):
        plain = [one for one in policies[role] if "Condition" not in one]
        theirs = IAMPolicy(json.dumps({"Statement": plain}))
        calls = [*NOBODY, *MAY[role], *NOT_THESE.get(role, [])]
        for call in calls:
            decided = theirs.is_action_permitted(*call) == PermissionResult.PERMITTED
            assert decided == allowed(plain, *call), call
