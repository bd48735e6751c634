"""The stack as a whole: names, tags, sizes, outputs, the contract."""

import json
import re
from typing import Any, get_args

import pulumi
import pytest

from environments.aws.sizes import SIZES, SizeName
from environments.aws.stack import Aws, outputs
from pipeline.settings import ALL_SETTINGS, from_variables
from tests.unit.aws_mocks import CERTIFICATE, NAME, REGION, SAFE, AwsRecorder, config, made, one
from tests.unit.pulumi_mocks import MADE_UP, run

NOT_TAGGED = {
    "Alias",
    "BucketLifecycleConfiguration",
    "BucketLogging",
    "BucketOwnershipControls",
    "BucketPolicy",
    "BucketPublicAccessBlock",
    "BucketServerSideEncryptionConfiguration",
    "BucketVersioning",
    "Configuration",
    "Dashboard",
    "LifecyclePolicy",
    "RolePolicy",
    "RolePolicyAttachment",
    "Route",
    "RouteTableAssociation",
    "SecretVersion",
    "TopicPolicy",
    "TopicSubscription",
}


class TestEverything:
    def test_carries_the_stacks_name(self, small):
        assert [args.name for args in small.every if not args.name.startswith(NAME)] == []

    def test_is_tagged_where_aws_lets_it(self, small):
        kinds = {args.typ.rpartition(":")[2] for args in small.every if args.typ.startswith("aws:")}
        for args in small.every:
            kind = args.typ.rpartition(":")[2]
            if args.typ.startswith("aws:") and kind not in NOT_TAGGED and "msk/topic" not in args.typ:
                assert args.inputs["tags"].items() >= {"Project": "ecom", "Stack": "test"}.items(), args.name
        assert kinds >= NOT_TAGGED

    def test_knows_no_account_region_or_arn_of_its_own(self):
        from environments.aws.bundle import REPOSITORY

        for path in (REPOSITORY / "environments" / "aws").rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            assert not re.search(r"\b\d{12}\b|\b(eu|us|ap)-(central|west|east)-\d|arn:aws:", text), path

    def test_two_stacks_share_no_name(self, folder, small):
        other = AwsRecorder()
        run(lambda: Aws("ecom-aws2", config(folder)), other)

        def physical(recorder: AwsRecorder) -> set[tuple[str, str]]:
            keys = ("name", "bucket", "identifier", "clusterName", "dashboardName")
            # A bucket's own settings, topics within a cluster and services within one are nobody else's.
            own = ("Bucket", "Service", "Topic", "RouteTable", "BucketObjectv2")
            return {
                (args.typ, args.inputs[key])
                for args in recorder.every
                for key in keys
                if args.inputs.get(key) and not args.typ.rpartition(":")[2].startswith(own)
            }

        assert physical(small)
        assert physical(small) & physical(other) == set()

    def test_holds_its_secrets_as_secrets(self, small):
        values = [inputs["secretString"] for inputs in small.of("SecretVersion").values()]
        assert sum(MADE_UP in str(value) for value in values) == 6
        for args in small.every:
            if not args.typ.endswith((":SecretVersion", ":RandomPassword")):
                assert MADE_UP not in json.dumps(args.inputs, default=str), args.name


@pytest.mark.parametrize("size", get_args(SizeName))
def test_each_size_is_what_its_figures_say(size, folder):
    safe = SAFE if size == "production" else {}
    recorder, wanted = made(config(folder, size=size, zones="3", **safe)), SIZES[size]
    instance, cluster = one(recorder, "rds/instance:Instance"), one(recorder, "msk/cluster:Cluster")
    assert instance["instanceClass"] == wanted.postgres_class
    assert instance["multiAz"] == wanted.postgres_standby
    assert instance["backupRetentionPeriod"] == wanted.backup_days
    assert cluster["brokerNodeGroupInfo"]["instanceType"] == wanted.broker_class
    assert cluster["numberOfBrokerNodes"] == 3 * wanted.brokers_per_zone
    assert one(recorder, "mwaa/environment:Environment")["environmentClass"] == wanted.airflow_class
    limits = {name: inputs["maximumCapacity"]["cpu"] for name, inputs in recorder.of("Application").items()}
    assert limits == {
        f"{NAME}-spark-batch": f"{wanted.emr_batch_cpu} vCPU",
        f"{NAME}-spark-stream": f"{wanted.emr_stream_cpu} vCPU",
    }
    retention = {inputs["retentionInDays"] for inputs in recorder.of("LogGroup").values()}
    assert retention == {wanted.log_days}


def test_what_is_exported_says_who_may_look_and_what_the_name_must_point_at(folder):
    exported: dict[str, Any] = {}

    def program() -> None:
        pulumi.Output.all(**outputs(Aws(NAME, config(folder, **CERTIFICATE)))).apply(exported.update)

    run(program, AwsRecorder())
    assert exported["people"] == f"{NAME}-sg-people-id"
    assert exported["dns"] == {
        "name": "bi.example.com",
        "balancer": "Internal-bi.elb.amazonaws.com",
        "zone_id": "Z1",
    }


class TestContract:
    def test_the_variables_are_those_that_the_pipeline_reads(self, small):
        text = small.of("BucketObjectv2")[f"{NAME}-file-platform.env"]["content"]
        env = dict(line.split("=", 1) for line in text.splitlines())
        for kind in ALL_SETTINGS:
            from_variables(kind, env)
        assert env["ECOM_KAFKA_SASL_MECHANISM"] == "AWS_MSK_IAM"
        assert env["ECOM_POSTGRES_SSLMODE"] == "verify-full"
        assert env["ECOM_POSTGRES_ETL_PASSWORD_REF"].startswith("arn:aws:secretsmanager:")
        assert env["ECOM_STORAGE_CHECKPOINTS"] == f"s3://{NAME}-data-id/checkpoints"

    def test_what_a_job_is_submitted_with_names_no_blank_and_no_maven(self, small):
        text = small.of("BucketObjectv2")[f"{NAME}-file-platform.env"]["content"]
        env = dict(line.split("=", 1) for line in text.splitlines())
        assert "spark.executor.instances=1" in env["ECOM_EMR_STREAM_SUBMIT_PARAMETERS"]
        words = env["ECOM_EMR_SUBMIT_PARAMETERS"].split(" ")
        conf = dict(pair.split("=", 1) for pair in words[3::2])
        assert set(words[2::2]) == {"--conf"}
        assert "spark.jars.packages" not in conf
        names = [archive.rpartition("#")[2] for archive in conf["spark.archives"].split(",")]
        assert names == ["environment", "code", "platform"]
        assert conf["spark.executorEnv.ECOM_ENV_FILE"] == "./platform/platform.env"
        assert conf["spark.executorEnv.AWS_DEFAULT_REGION"] == REGION
        for kind in ("emr-serverless.driverEnv", "executorEnv"):
            assert conf[f"spark.{kind}.ECOM_POSTGRES_SSLROOTCERT"] == "./code/rds-ca.pem"
        assert len(env["ECOM_EMR_SUBMIT_PARAMETERS"]) < 102_400  # EMR Serverless's own limit
