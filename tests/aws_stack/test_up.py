"""Each size and network: up from nothing, nothing to do, nothing drifted, and down to nothing."""

import json
import re
from typing import Any

import pytest

from tests.aws_provider.project import REGION, Project, UpFailed
from tests.aws_provider.store import Store
from tests.aws_stack.conftest import MakeProject
from tests.aws_stack.leftovers import Account

pytestmark = pytest.mark.aws_stack
DISPOSABLE = {"awsProtect": "false", "awsEmptyBuckets": "true"}
DOMAIN = "bi.example.com"


def certified(account: Account) -> dict[str, str]:
    made = account.client("acm").request_certificate(DomainName=DOMAIN)
    return {"awsCertificateArn": made["CertificateArn"], "awsDomain": DOMAIN}


def down_to_nothing(project: Project, account: Account) -> None:
    project.destroy()
    assert account.everything() == {}
    assert json.loads(project.store.read_text(encoding="utf-8")) == {}
    assert project.export()["deployment"].get("resources", []) == []
    # What encrypts the final snapshot.
    assert "Everything of the stack ecom-aws" in account.key_descriptions()


def spark_is(project: Project, state: str) -> None:
    """Put the applications into a state that only job runs bring about."""
    store = Store(project.store)
    for key, value in store.all().items():
        if key.startswith("emr-serverless/"):
            store.put(key, value | {"state": state})


def code_of(outputs: dict[str, Any]) -> str:
    """Return where jobs find our code."""
    (found,) = re.findall(r"(s3://\S+?)#code", outputs["env"]["ECOM_EMR_SUBMIT_PARAMETERS"].replace(",", " "))
    return str(found)


@pytest.mark.parametrize(
    "config",
    [
        {"awsProducer": "true", "awsAlarmEmail": "ops@example.com"},
        {"awsSize": "standard", "awsZones": "3", "awsNat": "single"},
        {"awsSize": "standard", "awsZones": "3", "awsNat": "per-zone", "kafkaCleanedTopic": "true"},
    ],
    ids=["small", "standard-single-nat", "standard-nat-per-zone"],
)
def test_up_again_refresh_and_down(config, make_project: MakeProject, account: Account):
    assert account.everything() == {}
    project = make_project(**DISPOSABLE, **config)
    made = project.up()
    assert set(made.values()) == {"create"}
    assert project.up() == {}
    project.refresh()
    assert len(account.everything()) >= 20
    down_to_nothing(project, account)
    kept = account.client("rds").describe_db_snapshots()["DBSnapshots"]
    last = [item["DBSnapshotIdentifier"] for item in kept if item["SnapshotType"] == "manual"]
    assert len(last) == 1
    assert last[0].startswith("ecom-aws-warehouse-final-")


def test_production_refuses_to_lose_data_until_somebody_says_it_twice(
    make_project: MakeProject, account: Account
):
    safe = {"awsSize": "production", "awsZones": "3", "awsNat": "per-zone", **certified(account)}
    safe["awsAlarmEmail"] = "ops@example.com"
    project = make_project(**safe)
    project.up()
    assert project.up() == {}
    # The second step, once Metabase has its first user.
    project.config["awsDashboardsAccess"] = "public"
    opened = project.up()
    assert opened["LoadBalancer ecom-aws-bi"] == "replace"
    assert opened["SecurityGroupIngressRule ecom-aws-sg-balancer-from-everybody"] == "create"
    assert project.up() == {}
    with pytest.raises(UpFailed, match="protected"):
        project.destroy()
    assert "rds:instances" in account.everything()
    project.config["awsProtect"] = "false"
    with pytest.raises(UpFailed, match="ecom:awsSize = production: needs awsProtect = true"):
        project.up()
    project.config |= {"awsTeardown": "true", "awsEmptyBuckets": "true"}
    changed = project.up()
    assert changed["Instance ecom-aws-warehouse"] == "update"
    assert not {name for name, op in changed.items() if op not in ("update",)}
    down_to_nothing(project, account)


def test_in_an_existing_vpc(make_project: MakeProject, account: Account):
    ec2 = account.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.9.{number}.0/24", AvailabilityZone=f"{REGION}{zone}")
        for number, zone in enumerate("ab")
    ]
    ids = [item["Subnet"]["SubnetId"] for item in subnets]
    project = make_project(**DISPOSABLE, awsVpcId=vpc, awsPrivateSubnetIds=",".join(ids))
    made = project.up()
    assert not {name for name in made if name.startswith(("Vpc ", "Subnet ", "NatGateway "))}
    assert project.up() == {}
    project.destroy()
    assert account.everything() == {"ec2:vpcs": [vpc], "ec2:subnets": sorted(ids)}
    for subnet in ids:
        ec2.delete_subnet(SubnetId=subnet)
    ec2.delete_vpc(VpcId=vpc)


@pytest.fixture(scope="class")
def project(make_project: MakeProject, account: Account) -> Project:
    project = make_project(**DISPOSABLE)
    project.up()
    return project


class TestOneStack:
    def test_its_state_holds_no_secret_in_plain(self, project: Project, account: Account):
        values = account.secret_values()
        state = json.dumps(project.export())
        assert len(values) >= 7
        made_up = [value for value in values if not value.startswith("{")]
        assert len(made_up) == 6
        assert [value for value in made_up if value in state] == []
        assert "ciphertext" in state

    def test_what_was_uploaded_is_what_jobs_will_read(self, project: Project, account: Account):
        env = project.outputs()["env"]
        bucket, _, key = env["ECOM_EMR_ENTRY_POINT"].removeprefix("s3://").partition("/")
        body = account.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
        assert b'runpy.run_module("pipeline.jobs"' in body
        words = env["ECOM_EMR_SUBMIT_PARAMETERS"].split()
        archives = dict(word.split("=", 1) for word in words if "=" in word)["spark.archives"].split(",")
        for address in [*words[1].split(","), *(archive.partition("#")[0] for archive in archives)]:
            place, _, name = address.removeprefix("s3://").partition("/")
            assert account.client("s3").head_object(Bucket=place, Key=name)["ContentLength"] > 0

    def test_its_passwords_are_where_the_variables_say(self, project: Project, account: Account):
        env = project.outputs()["env"]
        references = {name: value for name, value in env.items() if name.endswith("_REF") and value}
        assert len(references) == 5
        for reference in references.values():
            found = account.client("secretsmanager").get_secret_value(SecretId=reference)
            assert len(found["SecretString"]) >= 32

    @pytest.mark.parametrize(
        ("change", "touched"),
        [
            (
                {"kafkaRetentionHours": "24"},
                {
                    "Cluster ecom-aws-events": "update",
                    "Configuration ecom-aws-events-brokers": "update",
                    "Topic ecom-aws-events-orders": "update",
                    "Topic ecom-aws-events-orders_dlq": "update",
                },
            ),
            (
                {"awsMonthlyBudgetUsd": "1234"},
                {"Budget ecom-aws-watch": "update"},
            ),
            (
                {"awsAlarmEmail": "ops@example.com"},
                {"TopicSubscription ecom-aws-watch-alarms": "create"},
            ),
        ],
    )
    def test_a_change_of_config_touches_what_it_should_and_nothing_else(
        self, change, touched, project: Project
    ):
        project.config |= change
        assert project.preview() == touched
        assert project.up() == touched
        assert project.up() == {}

    def test_a_size_changes_while_no_application_is_started_and_disks_never_shrink(self, project: Project):
        project.config |= {"awsSize": "standard", "awsPostgresChanges": "now"}
        spark_is(project, "STARTED")
        with pytest.raises(UpFailed, match="must be CREATED or STOPPED, it is STARTED"):
            project.up()
        spark_is(project, "STOPPED")
        project.up()
        assert project.up() == {}
        project.config["awsSize"] = "small"
        with pytest.raises(UpFailed, match="can't shrink from 100 to 20 GB"):
            project.up()
        project.config |= {"awsBrokerGb": "100", "awsPostgresGb": "100"}
        project.up()
        assert project.up() == {}

    def test_new_code_leaves_the_old_to_those_who_still_run_it(self, project: Project, account: Account):
        before = project.outputs()
        file = project.project / "pipeline" / "console.py"
        file.write_text(file.read_text(encoding="utf-8") + "\n# changed\n", encoding="utf-8")
        ahead = project.up("--target", "**::ecom-*-setup*")
        assert ahead == {"TaskDefinition ecom-aws-setup": "replace"}
        # What starts the migrations has the new image, and what runs jobs has the old code.
        between = project.outputs()
        assert between["image"] != before["image"]
        assert between["tasks"]["setup"] != before["tasks"]["setup"]
        assert code_of(between) == code_of(before)
        changed = project.up()
        assert changed["Environment ecom-aws-airflow"] == "update"
        after = project.outputs()
        assert code_of(after) != code_of(before)
        for env in (before, after):
            bucket, _, key = code_of(env).removeprefix("s3://").partition("/")
            assert account.client("s3").head_object(Bucket=bucket, Key=key)["ContentLength"] > 0
        assert project.up() == {}

    def test_a_second_stack_beside_it_collides_nowhere(
        self, project: Project, account: Account, make_project: MakeProject
    ):
        before = account.everything()
        other = make_project("aws2", **DISPOSABLE)
        other.up()
        down = account.everything()
        assert all(len(down[label]) > len(names) for label, names in before.items())
        other.destroy()
        assert account.everything() == before
        assert project.up() == {}

    def test_what_somebody_opened_by_hand_is_noticed_and_undone(self, project: Project, account: Account):
        rds = account.client("rds")
        rds.modify_db_instance(DBInstanceIdentifier="ecom-aws-warehouse", PubliclyAccessible=True)
        with pytest.raises(UpFailed):
            project.refresh()
        assert project.up() == {"Instance ecom-aws-warehouse": "update"}
        (instance,) = rds.describe_db_instances()["DBInstances"]
        assert instance["PubliclyAccessible"] is False

    def test_what_somebody_deleted_by_hand_is_noticed(self, project: Project, account: Account):
        account.client("cloudwatch").delete_alarms(AlarmNames=["ecom-aws-watch-kafka-disk-1"])
        with pytest.raises(UpFailed):
            project.refresh()

    def test_and_it_goes_as_it_came(self, project: Project, account: Account):
        down_to_nothing(project, account)
