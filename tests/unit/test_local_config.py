"""Stack config: Pulumi.yaml declares what the program reads, and a wrong key or value is named."""

from typing import Any

import pytest
import yaml

from environments.local.config import keys, parse, stack_name
from environments.local.images import REPOSITORY
from infra.config import ConfigError, PlatformConfig

_TYPES = {int: "integer", bool: "boolean", str: "string"}


def declared() -> dict[str, dict[str, Any]]:
    text = (REPOSITORY / "Pulumi.yaml").read_text(encoding="utf-8")
    keys_of_aws = ("ecom:aws", "ecom:environment")
    config = yaml.safe_load(text)["config"]
    return {key: entry for key, entry in config.items() if not key.startswith(keys_of_aws)}


def error_of(values: dict[str, str]) -> str:
    with pytest.raises(ConfigError) as caught:
        parse(values, "the test")
    return str(caught.value)


def test_pulumi_yaml_declares_every_key_with_its_type_default_and_meaning():
    read = {f"ecom:{key}": (_TYPES[field.annotation], field.default) for key, _, field in keys()}
    assert {key: (entry["type"], entry["default"]) for key, entry in declared().items()} == read
    assert all(entry["description"] for entry in declared().values())


def test_the_committed_stack_config_holds_nothing_secret_and_is_right():
    committed = yaml.safe_load((REPOSITORY / "Pulumi.local.yaml").read_text(encoding="utf-8"))
    assert parse({key: str(value) for key, value in committed["config"].items()}, "Pulumi.local.yaml")
    assert "encryptionsalt" not in committed


def test_nothing_said_is_the_platforms_own_default():
    assert parse({}, "the test").platform == PlatformConfig()


def test_strings_become_what_they_should_be():
    values = {
        "ecom:kafkaPort": "7000",
        "ecom:dataProtect": "false",
        "ecom:imagePostgres": "mirror/postgres:18.6",
    }
    config = parse(values, "the test")
    assert config.platform.kafka.port == 7000
    assert config.data.protect is False
    assert config.images.postgres == "mirror/postgres:18.6"


def test_other_namespaces_are_not_ours():
    values = {"docker:host": "tcp://x", "aws:region": "eu-central-1", "ecom:environment": "local"}
    assert parse(values, "the test") == parse({}, "the test")


def test_a_key_of_awss_may_have_its_default_only():
    whole = yaml.safe_load((REPOSITORY / "Pulumi.yaml").read_text(encoding="utf-8"))["config"]
    assert parse({"ecom:awsSize": "small", "ecom:awsZones": "2"}, "the test", whole) == parse({}, "the test")
    with pytest.raises(
        ConfigError, match=r"^ecom:awsZones = '3': a key of another environment than .*the test"
    ):
        parse({"ecom:awsZones": "3"}, "the test", whole)


def test_an_unknown_key_is_named_with_those_that_there_are():
    message = error_of({"ecom:postgressPort": "1"})
    assert message.startswith("ecom:postgressPort: unknown key (read from the test); allowed: airflow")
    assert "postgresPort" in message


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        (
            "postgresPort",
            "abc",
            "ecom:postgresPort = 'abc' (read from the test): Input should be a valid integer",
        ),
        ("postgresPort", "0", "ecom:postgresPort = 0 (read from the test): Input should be greater than"),
        (
            "dataProtect",
            "maybe",
            "ecom:dataProtect = 'maybe' (read from the test): Input should be a valid boo",
        ),
        (
            "secretLength",
            "8",
            "ecom:secretLength = 8 (read from the test): Input should be greater than or equal",
        ),
        (
            "imageKafka",
            "Kafka latest",
            "ecom:imageKafka = 'Kafka latest' (read from the test): String should",
        ),
        (
            "postgresDatabase",
            "metabase",
            "ecom:postgresDatabase = 'metabase': that is where Metabase keeps its own",
        ),
        ("kafkaPort", "5432", "ecom:kafkaPort = 5432: postgresPort has the same port"),
        ("cpuPostgres", "0", "ecom:cpuPostgres = '0' (read from the test): String should match"),
        (
            "postgresDatabase",
            "airflow",
            "ecom:postgresDatabase = 'airflow' (read from the test): is the name of the database that",
        ),
        (
            "memoryKafka",
            "512",
            "ecom:memoryKafka = 512: kafkaHeapMb needs at least 768 MB (read from the test)",
        ),
        (
            "postgresSharedBuffersMb",
            "900",
            "ecom:memoryPostgres = 1024: postgresSharedBuffersMb needs at least",
        ),
        (
            "streamDriverMemoryMb",
            "4096",
            "ecom:memoryStream = 2560: streamDriverMemoryMb needs at least 4608",
        ),
        (
            "memoryAirflowScheduler",
            "2048",
            "ecom:memoryAirflowScheduler = 2048: streamDriverMemoryMb needs at least 2304 MB",
        ),
        (
            "sparkExecutorMemoryMb",
            "2048",
            "ecom:memorySparkWorker = 3072: sparkExecutorMemoryMb needs at least",
        ),
    ],
)
def test_a_wrong_value_names_key_value_source_and_what_is_allowed(key, value, said):
    assert error_of({f"ecom:{key}": value}).startswith(said)


@pytest.mark.parametrize("name", ["Local", "my_stack", "", "x" * 40])
def test_a_stack_that_docker_could_not_name_is_refused(name):
    with pytest.raises(ConfigError, match="the stack's name"):
        stack_name(name)


def test_everything_of_a_stack_begins_with_its_name():
    assert stack_name("local") == "ecom-local"
