"""The same contract in every environment: same variables, same files, and whoever reads them can use them."""

import importlib
import inspect
from collections.abc import Callable
from pathlib import Path

import pytest

from environments.aws import contract
from environments.aws.config import AwsConfig
from environments.embedded import jars
from environments.embedded.home import REPOSITORY, Home
from environments.embedded.platform import Plan
from environments.local.config import LocalConfig
from environments.local.platform import platform, platform_here
from infra.config import PlatformConfig
from infra.platform import Env, Platform
from infra.topics import topics
from pipeline.settings import ALL_SETTINGS, from_variables
from tests.unit.sample_platform import sample_platform

FILES = ("postgres", "kafka", "spark", "airflow", "dashboards", "storage")
CLEANED = PlatformConfig.from_mapping({"kafka": {"cleaned_topic": True, "partitions": 3}}, "the test")


def embedded(config: PlatformConfig) -> Platform:
    plan = Plan(Home(Path("/nowhere")), config)
    return plan.platform(plan.wished_ports())


def local(config: PlatformConfig) -> Platform:
    return platform(LocalConfig(platform=config))


def local_from_here(config: PlatformConfig) -> Platform:
    return platform_here(LocalConfig(platform=config))


def aws(config: PlatformConfig) -> Platform:
    names = ("admin", "ingest", "etl", "bi_readonly", "metabase_admin")
    made = contract.Made(
        secrets={name: f"arn:aws:secretsmanager:eu-west-1:123456789012:secret:{name}" for name in names},
        postgres="warehouse.example.com",
        brokers="b-1.example.com:9098,b-2.example.com:9098",
        bucket="data",
        dashboards="https://bi.example.com",
        airflow="https://airflow.example.com",
        application="00abc",
        stream="00def",
        role="arn:aws:iam::123456789012:role/jobs",
        entry="s3://artifacts/entry/batch.py",
        stream_entry="s3://artifacts/entry/stream.py",
        metrics="ecom/test",
        region="eu-west-1",
    )
    deployed = {"jars": ["s3://artifacts/a.jar"], "python": "s3://p", "code": "s3://c", "variables": "s3://v"}
    return contract.platform(AwsConfig(platform=config), made, "/opt/ecom/rds-ca.pem", deployed)


Make = Callable[[PlatformConfig], Platform]
ALL = pytest.mark.parametrize("make", [embedded, local, local_from_here, aws])
FROM_HERE = pytest.mark.parametrize("make", [embedded, local_from_here])


@pytest.fixture(autouse=True)
def no_downloads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jars, "connector_jars", lambda *_: [Path("/jars/connector.jar")])


def env(make: Make) -> Env:
    return make(PlatformConfig()).as_env()


@ALL
def test_it_has_all_variables_and_no_others(make: Make):
    assert sorted(env(make)) == sorted(sample_platform().as_env())


@ALL
@pytest.mark.parametrize("kind", ALL_SETTINGS)
def test_the_pipeline_can_read_them(kind: type, make: Make):
    variables = env(make)
    prefix = kind.model_config["env_prefix"]  # type: ignore[attr-defined]
    said = {value for name, value in variables.items() if name.startswith(prefix)}
    # What an environment has not got, it tells by empty variables.
    assert said <= {"", "0"} or from_variables(kind, variables)


@ALL
def test_secrets_are_references(make: Make):
    references = {name: value for name, value in env(make).items() if name.endswith("_REF") and value}
    assert len(references) >= 5
    places = ("file:/", "arn:aws:secretsmanager:")
    assert all(value.startswith(places) for value in references.values())
    assert len(set(references.values())) == len(references)


@FROM_HERE
def test_this_machine_reaches_it_on_the_loopback_only(make: Make):
    variables = env(make)
    for name in (
        "ECOM_POSTGRES_HOST",
        "ECOM_KAFKA_BOOTSTRAP_SERVERS",
        "ECOM_AIRFLOW_URL",
        "ECOM_DASHBOARDS_URL",
    ):
        assert "127.0.0.1" in variables[name], name


@ALL
def test_topics_follow_the_one_configuration(make: Make):
    made = make(CLEANED)
    found = topics(made.kafka, CLEANED.kafka)
    assert [topic.name for topic in found] == ["orders", "orders_dlq", "orders_cleaned"]
    assert {topic.partitions for topic in found} == {3}


@ALL
def test_pace_and_retention_are_the_configurations(make: Make):
    values = {
        "stream": {"max_offsets_per_trigger": 7, "trigger_interval_ms": 5, "driver_memory_mb": 600},
        "batch": {"quality_retention_days": 3},
    }
    variables = make(PlatformConfig.from_mapping(values, "the test")).as_env()
    assert variables["ECOM_STREAM_MAX_OFFSETS_PER_TRIGGER"] == "7"
    assert variables["ECOM_STREAM_TRIGGER_INTERVAL_MS"] == "5"
    # On AWS a driver's heap follows from the size, and stack config has no key for it.
    assert variables["ECOM_SPARK_DRIVER_MEMORY"] == "600m" or make is aws
    assert variables["ECOM_BATCH_QUALITY_RETENTION_DAYS"] == "3"


@pytest.mark.parametrize("name", ["embedded", "local", "aws"])
def test_each_system_has_its_file_with_an_endpoint(name: str):
    for file in FILES:
        assert (REPOSITORY / "environments" / name / f"{file}.py").exists()
        module = importlib.import_module(f"environments.{name}.{file}")
        assert inspect.signature(module.endpoint).return_annotation.__module__ == "infra.platform"
