"""The same contract in every environment: same variables, same files, and whoever reads them can use them."""

import importlib
import inspect
from collections.abc import Callable
from pathlib import Path

import pytest

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


Make = Callable[[PlatformConfig], Platform]
ALL = pytest.mark.parametrize("make", [embedded, local, local_from_here])
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
    assert all(value.startswith("file:/") for value in references.values())
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
    assert variables["ECOM_SPARK_DRIVER_MEMORY"] == "600m"
    assert variables["ECOM_BATCH_QUALITY_RETENTION_DAYS"] == "3"


@pytest.mark.parametrize("name", ["embedded", "local"])
def test_each_system_has_its_file_with_an_endpoint(name: str):
    for file in FILES:
        assert (REPOSITORY / "environments" / name / f"{file}.py").exists()
        module = importlib.import_module(f"environments.{name}.{file}")
        assert inspect.signature(module.endpoint).return_annotation.__module__ == "infra.platform"
