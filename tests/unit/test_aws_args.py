"""What components of the AWS environment refuse before anything is made."""

import dataclasses
import os
import subprocess
import sys
from typing import Any

import pytest

from environments.aws import (
    bundle,
    dashboards,
    kafka,
    operator_task,
    postgres,
    producer,
    setup_task,
    spark,
    storage,
)
from environments.aws.airflow import AirflowArgs
from environments.aws.artifacts import ArtifactsArgs
from environments.aws.firewall import FirewallArgs
from environments.aws.network import NetworkArgs
from environments.aws.observability import ObservabilityArgs
from environments.aws.options import Options
from environments.aws.place import Place
from environments.aws.policies import allow
from environments.aws.role import RoleArgs
from environments.aws.sizes import SIZES
from environments.aws.tasks import TaskArgs
from infra.config import KafkaConfig, PostgresConfig
from tests.unit.aws_mocks import VPC, ZONES, artifacts, config, made

OPTIONS = Options()  # type: ignore[call-arg]
PLACE = Place("123456789012", "eu-central-1", "aws", "amazonaws.com", ("a", "b"))
ANY: Any = None


class TestRefused:
    def test_a_policy_that_is_wider_than_somebody_explains(self):
        with pytest.raises(ValueError, match="a sid must say why"):
            allow(["logs:DescribeLogGroups"], ["*"])
        with pytest.raises(ValueError, match="name the actions"):
            allow(["s3:*"], ["arn:aws:s3:::b"])

    def test_a_role_that_nobody_takes(self):
        with pytest.raises(ValueError, match="nobody may take"):
            RoleArgs(PLACE, [], {}, lambda _: [])

    def test_more_zones_than_the_region_has(self):
        options = OPTIONS.model_copy(update={"zones": 3})
        with pytest.raises(ValueError, match="awsZones = 3: eu-central-1 has 2"):
            NetworkArgs(options, PLACE, "key")

    def test_a_zone_that_the_region_has_not(self):
        options = OPTIONS.model_copy(update={"zone_names": "b,d"})
        with pytest.raises(ValueError, match="awsZoneNames: eu-central-1 has no d, only a, b"):
            NetworkArgs(options, PLACE, "key")

    def test_stores_without_their_zones(self):
        with pytest.raises(ValueError, match="RDS wants two zones"):
            postgres.PostgresArgs(OPTIONS, PLACE, PostgresConfig(), ["one"], "sg", "key")
        with pytest.raises(ValueError, match="MSK wants two or three zones"):
            kafka.KafkaArgs(OPTIONS, KafkaConfig(), ["one"], "sg", "key")

    def test_buckets_that_are_protected_and_emptied(self):
        with pytest.raises(ValueError, match="not while awsProtect"):
            storage.StorageArgs(PLACE, "key", 30, protect=True, empty=True)

    def test_an_application_without_room_for_an_executor(self, monkeypatch):
        tiny = dataclasses.replace(SIZES["small"], emr_batch_cpu=1)
        monkeypatch.setitem(SIZES, "small", tiny)
        with pytest.raises(ValueError, match="a driver and its executors do not fit"):
            spark.SparkArgs(OPTIONS, PLACE, KafkaConfig(), [], "sg", "key", "a", "d", "c", {})

    def test_an_airflow_without_its_subnets_or_files(self):
        more = {"bucket_arn": "b", "security_group": "sg", "key_arn": "k", "inputs": {}, "may": ANY}
        lacking: Any = type("Artifacts", (), {"texts": {}})
        with pytest.raises(ValueError, match="MWAA wants two"):
            AirflowArgs(OPTIONS, PLACE, artifacts=lacking, subnets=["one"], **more)
        with pytest.raises(ValueError, match=r"lacks airflow/requirements.txt, airflow/startup.sh"):
            AirflowArgs(OPTIONS, PLACE, artifacts=lacking, subnets=["one", "two"], **more)

    def test_a_load_balancer_in_one_zone(self):
        with pytest.raises(ValueError, match="a load balancer wants two zones"):
            dashboards.DashboardsArgs(OPTIONS, ANY, "vpc", ["a"], ["a", "b"], {}, "h", "b", [], "p", "k")

    def test_a_public_load_balancer_without_tls(self):
        with pytest.raises(ValueError, match="public: only with tls"):
            FirewallArgs("vpc", tls=False, public=True)

    def test_a_size_that_fargate_has_not(self):
        with pytest.raises(ValueError, match="memory_mb = 64"):
            TaskArgs(image="i", repository_arn=None, env={}, secrets={}, memory_mb=64)

    def test_a_producer_without_a_place(self):
        with pytest.raises(ValueError, match="subnets: none"):
            producer.ProducerArgs(ANY, "i", "r", [], "sg", {}, KafkaConfig(), "c")

    def test_a_setup_that_leaves_somebody_without_a_password(self):
        with pytest.raises(ValueError, match="lacks bi_readonly, metabase_admin"):
            setup_task.SetupArgs(
                ANY, "i", "r", {}, "a", {"ingest": "", "etl": "", "metabase_database": ""}, "k"
            )

    def test_an_operator_with_the_masters_password(self):
        secrets = {"ingest": "", "etl": "", "admin": ""}
        with pytest.raises(ValueError, match="secrets: admin, etl, ingest: exactly ingest, etl"):
            operator_task.OperatorArgs(ANY, "i", "r", {}, secrets, "k", KafkaConfig(), "c")

    def test_alarms_about_nothing(self):
        with pytest.raises(ValueError, match="needs a name to be watched by"):
            ObservabilityArgs(OPTIONS, PLACE, "k", "", 20, "kafka", 2, "airflow", "n", "b", "t")

    def test_artifacts_that_were_not_made(self, tmp_path):
        with pytest.raises(
            ValueError, match=r"lacks environment.tar.gz, rds-ca.pem, jars/\*.jar; `make aws-"
        ):
            bundle.bundle(str(tmp_path))

    def test_two_dags_of_one_name(self, tmp_path):
        whole = bundle.bundle(artifacts(tmp_path))
        twice = dataclasses.replace(whole, dags=(*whole.dags, whole.dags[0]))
        with pytest.raises(ValueError, match="is there twice"):
            ArtifactsArgs("b", "k", twice, {})


class TestAnExistingVpc:
    def test_with_two_subnets_in_one_zone_is_refused(self, tmp_path, monkeypatch):
        first, second, _ = ZONES
        monkeypatch.setitem(ZONES, second, ZONES[first])
        with pytest.raises(ValueError, match="awsPrivateSubnetIds: two are in one zone"):
            made(config(tmp_path, vpcId=VPC, privateSubnetIds=f"{first},{second}"))

    def test_that_is_not_the_subnets_own_is_refused(self, tmp_path):
        first, second, _ = ZONES
        with pytest.raises(ValueError, match=f"subnet {first}: is in {VPC}, not in awsVpcId = vpc-11111111"):
            made(config(tmp_path, vpcId="vpc-11111111", privateSubnetIds=f"{first},{second}"))


class TestBundle:
    def test_the_same_code_is_the_same_bytes(self, tmp_path):
        first = bundle.bundle(artifacts(tmp_path)).code.read_bytes()
        assert bundle.bundle(artifacts(tmp_path)).code.read_bytes() == first
        assert list(tmp_path.glob("tmp*")) == []

    def test_a_changed_file_is_another_hash(self, tmp_path):
        path = tmp_path / "file"
        path.write_text("one", encoding="utf-8")
        before = bundle.content_hash(path)
        path.write_text("two", encoding="utf-8")
        assert bundle.content_hash(path) != before
        assert bundle.short_hash(b"two") == bundle.content_hash(path)

    def test_the_code_has_its_sql_and_the_certificates(self, tmp_path):
        import zipfile

        names = zipfile.ZipFile(bundle.bundle(artifacts(tmp_path)).code).namelist()
        assert {"pipeline/stream/commit.sql", "pipeline/jobs/__main__.py", "rds-ca.pem"} <= set(names)
        assert not any("__pycache__" in name for name in names)


AS_AIRFLOW_LOADS_PLUGINS = """
import sys
from airflow import plugins_manager, settings
if hasattr(plugins_manager, "load_plugins_from_plugin_directory"):  # 3.0, 3.1
    plugins_manager.load_plugins_from_plugin_directory()
    wrong = plugins_manager.import_errors
else:
    wrong = plugins_manager._get_plugins()[1]
ran = [str(module.__file__) for module in sys.modules.values() if getattr(module, "__file__", None)]
ours = [name for name in ran if name.startswith(settings.PLUGINS_FOLDER)]
print("RAN", ours, wrong, settings.PLUGINS_FOLDER in sys.path)
"""


def test_airflow_takes_none_of_the_code_for_a_plugin_and_can_import_it_all_the_same(tmp_path):
    import zipfile

    plugins = tmp_path / "plugins"
    zipfile.ZipFile(bundle.bundle(artifacts(tmp_path / "made")).code).extractall(plugins)
    env = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-c", AS_AIRFLOW_LOADS_PLUGINS],
        env=env
        | {
            "AIRFLOW_HOME": str(tmp_path),
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(plugins),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        },
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "RAN [] {} True" in done.stdout, done.stdout + done.stderr[-3000:]


def test_a_topics_arn_is_the_clusters_with_another_kind():
    cluster = "arn:aws:kafka:eu-central-1:123456789012:cluster/ecom/uuid-1"
    assert kafka.within(cluster, "topic", "orders") == (
        "arn:aws:kafka:eu-central-1:123456789012:topic/ecom/uuid-1/orders"
    )


def test_the_packages_of_airflow_are_ours():
    import tomllib

    from environments.aws.airflow import _PACKAGES

    project = tomllib.loads((bundle.REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    ours = [*project["dependencies"], *project["optional-dependencies"]["airflow"]]
    assert all(any(line.startswith(package.partition(">")[0]) for line in ours) for package in _PACKAGES)
