"""The local environment under Pulumi's mocks: types, names, inputs, secrets, dependencies."""

import json
from typing import Any

import pulumi
import pytest

from environments.local import airflow_settings
from environments.local.config import LocalConfig, parse
from environments.local.platform import platform, platform_here
from environments.local.preflight import PUBLISHING
from environments.local.stack import Local, outputs
from tests.unit.pulumi_mocks import MADE_UP, Recorder, run

NAME = "ecom-test"
PULUMI_SECRET = "1b47061264138c4ac30d75fd1eb44270"  # the mark of a secret on the wire
SERVICES = (
    "postgres-server",
    "kafka-broker",
    "spark-master",
    "spark-worker",
    "spark-stream",
    "airflow-api",
    "airflow-scheduler",
    "airflow-dag-processor",
    "airflow-triggerer",
    "airflow-cleaner",
    "dashboards-page",
    "metabase-server",
    "orders-producer",
)
ONCE = ("setup", "airflow-migration", "metabase-provision", "orders-seed")


@pytest.fixture(scope="module")
def config() -> LocalConfig:
    return parse(
        {
            "ecom:postgresPort": "6000",
            "ecom:kafkaPort": "6001",
            "ecom:airflowPort": "6002",
            "ecom:seedOrders": "100",
            "ecom:producerRate": "5",
        },
        "the test",
    )


@pytest.fixture(scope="module")
def made(config) -> Recorder:
    return run(lambda: Local(NAME, config))


def containers(made: Recorder) -> dict[str, dict[str, Any]]:
    return {name.removeprefix(f"{NAME}-"): inputs for name, inputs in made.of("Container").items()}


def uploads(inputs: dict[str, Any]) -> list[dict[str, Any]]:
    return list(inputs["uploads"]["value"] if isinstance(inputs["uploads"], dict) else inputs["uploads"])


def secrets(inputs: dict[str, Any]) -> set[str]:
    return {
        item["file"].removeprefix("/run/secrets/") for item in uploads(inputs) if "secrets" in item["file"]
    }


def variables(inputs: dict[str, Any]) -> dict[str, str]:
    return dict(item.split("=", 1) for item in inputs["envs"])


def test_it_is_made_of_these_containers(made):
    assert sorted(containers(made)) == sorted((*SERVICES, *ONCE))


def test_everything_carries_the_stacks_name(made):
    assert {name for name in made.resources if not name.startswith(NAME)} == set()
    for kind in ("Container", "Volume", "Network"):
        assert all(inputs["name"].startswith(NAME) for inputs in made.of(kind).values())


@pytest.mark.parametrize("name", [*SERVICES, *ONCE])
class TestEveryContainer:
    def test_takes_no_more_than_its_share(self, name, made):
        inputs = containers(made)[name]
        assert inputs["memory"] == inputs["memorySwap"] >= 256
        assert 0 < float(inputs["cpus"]) <= 2

    def test_is_reachable_from_this_machine_only(self, name, made):
        assert all(port["ip"] == "127.0.0.1" for port in containers(made)[name].get("ports", []))

    def test_has_no_rights_that_it_does_not_need(self, name, made):
        inputs = containers(made)[name]
        assert inputs["capabilities"]["drops"] == ["ALL"]
        assert "adds" not in inputs["capabilities"]
        assert inputs["user"] in ("999", "1000", "65534")
        assert inputs["securityOpts"] == ["no-new-privileges:true"]
        assert not inputs.get("privileged")

    def test_rotates_its_log(self, name, made):
        inputs = containers(made)[name]
        assert (inputs["logDriver"], inputs["logOpts"]) == ("json-file", {"max-size": "10m", "max-file": "3"})

    def test_is_on_the_one_network_under_its_own_name(self, name, made):
        inputs = containers(made)[name]
        (network,) = inputs["networksAdvanced"]
        assert network["name"] == NAME
        assert network["aliases"] == [inputs["hostname"]]

    def test_runs_an_image_by_its_id(self, name, made):
        assert containers(made)[name]["image"].startswith("sha256:")

    def test_has_its_secrets_in_files_that_only_it_reads_and_in_no_variable(self, name, made):
        inputs = containers(made)[name]
        everything_else = {key: value for key, value in inputs.items() if key != "uploads"}
        assert MADE_UP not in json.dumps(everything_else)
        for item in uploads(inputs):
            if item["file"].startswith("/run/secrets/"):
                assert item["permissions"] in ("0400", "0600")
                assert item["owner"] == inputs["user"]
        if MADE_UP in json.dumps(inputs["uploads"]):
            assert PULUMI_SECRET in inputs["uploads"].values()


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_waited_for_and_comes_back(name, made):
    inputs = containers(made)[name]
    assert inputs["healthcheck"]["tests"][0] in ("CMD", "CMD-SHELL")
    assert inputs["wait"] is True
    assert inputs["waitTimeout"] > 60
    assert inputs["restart"] == "unless-stopped"
    assert inputs["mustRun"] is True


@pytest.mark.parametrize("name", ONCE)
def test_what_runs_once_is_waited_for_to_its_end(name, made):
    inputs = containers(made)[name]
    assert (inputs["attach"], inputs["mustRun"], inputs["wait"]) == (True, False, False)
    assert inputs["restart"] == "no"
    assert "healthcheck" not in inputs


class Failing(Recorder):
    """Docker with a setup that ends with exit code 3."""

    def new_resource(self, args):
        identity, answer = super().new_resource(args)
        if args.name.endswith("-setup"):
            answer |= {"exitCode": 3, "containerLogs": "error: no topic"}
        return identity, answer


def test_a_step_that_fails_fails_the_update_before_anything_that_needs_it_is_made(config):
    recorder = Failing()
    said = r"ecom-test-setup ended with exit code 3; .* runs it again:\nerror: no topic"
    with pytest.raises(pulumi.RunError, match=said):
        run(lambda: Local(NAME, config), recorder)
    made = {name.removeprefix(f"{NAME}-") for name in recorder.of("Container")}
    assert made == {"postgres-server", "kafka-broker", "spark-master", "spark-worker", "setup"}


def test_ports_are_those_of_the_configuration(made):
    published = {
        name: {(port["internal"], port["external"]) for port in inputs["ports"]}
        for name, inputs in containers(made).items()
        if inputs.get("ports")
    }
    assert set(published) == set(PUBLISHING)
    assert published == {
        "postgres-server": {(5432, 6000)},
        "kafka-broker": {(9092, 6001)},
        "airflow-api": {(8080, 6002)},
        "spark-master": {(8080, 8081)},
        "dashboards-page": {(8050, 8050)},
        "metabase-server": {(3000, 3000)},
    }


def test_postgres_keeps_its_files_on_the_volume_whatever_the_images_own_place_for_them(made):
    server = containers(made)["postgres-server"]
    (volume,) = server["volumes"]
    assert f"PGDATA={volume['containerPath']}/18/docker" in server["envs"]


def test_only_what_runs_our_code_has_its_image(made):
    code = {name for name, inputs in containers(made).items() if inputs["image"].endswith("-code")}
    assert code == {
        "setup",
        "spark-worker",
        "spark-stream",
        "airflow-scheduler",
        "airflow-dag-processor",
        "airflow-triggerer",
        "dashboards-page",
        "orders-producer",
    }
    tools = {name for name, inputs in containers(made).items() if inputs["image"].endswith("-tools")}
    assert tools == {"metabase-provision", "orders-seed"}


def test_where_nothing_is_uploaded_and_the_image_is_ours_the_root_is_read_only(made):
    found = {name for name, inputs in containers(made).items() if inputs["readOnly"]}
    assert found == {"spark-master", "orders-producer"}
    for name in found:
        assert uploads(containers(made)[name]) == []
        assert set(containers(made)[name]["tmpfs"]) == {"/tmp"}  # noqa: S108


def test_a_seed_that_somebody_loaded_is_as_good_as_the_stacks(made):
    assert containers(made)["orders-seed"]["command"][-3:] == ["--orders", "100", "--if-empty"]


def test_each_container_gets_the_secrets_that_it_needs_and_no_other(made):
    jobs = {"ingest", "etl", "bi_readonly"}
    found = {name: secrets(inputs) for name, inputs in containers(made).items()}
    assert found["postgres-server"] == {"admin"}
    assert found["kafka-broker"] == found["spark-master"] == set()
    assert found["spark-worker"] == found["spark-stream"] == jobs
    assert found["dashboards-page"] == {"bi_readonly"}
    assert found["setup"] == {"admin", "airflow_database", "metabase_database", *jobs}
    assert found["metabase-server"] == {"metabase_database", "metabase_key"}
    assert found["metabase-provision"] == {"metabase_admin", "bi_readonly"}
    assert found["orders-seed"] == {"ingest", "etl"}
    assert found["orders-producer"] == set()
    assert found["airflow-api"] == found["airflow-migration"] == set(airflow_settings.SECRETS)
    assert found["airflow-scheduler"] == {*airflow_settings.SECRETS, "airflow_admin", *jobs}


def test_the_brokers_listeners_are_one_for_containers_and_one_for_this_machine(made):
    set_ = variables(containers(made)["kafka-broker"])
    assert set_["KAFKA_ADVERTISED_LISTENERS"] == "INSIDE://kafka:19092,PUBLISHED://127.0.0.1:6001"
    assert set_["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"
    assert len(set_["CLUSTER_ID"]) > 20


def test_the_stream_and_the_batch_share_the_worker(made, config):
    conf = {
        name: dict(line.split(" ", 1) for line in item["content"].splitlines())
        for name, inputs in containers(made).items()
        for item in uploads(inputs)
        if item["file"].endswith("spark-defaults.conf")
    }
    assert set(conf) == {"spark-stream", "airflow-scheduler"}
    cores = sum(int(settings["spark.cores.max"]) for settings in conf.values())
    command = containers(made)["spark-worker"]["command"]
    assert command[command.index("--cores") + 1] == str(cores)
    assert conf["spark-stream"]["spark.driver.host"] == "stream"


@pytest.mark.parametrize("protect", [True, False])
def test_data_and_passwords_are_protected_together(protect):
    config = parse({"ecom:dataProtect": str(protect).lower()}, "the test")
    kept = {
        name.removeprefix(f"{NAME}-")
        for name, yes in run(lambda: Local(NAME, config)).protected.items()
        if yes
    }
    data = {"postgres-data", "kafka-data", "spark-checkpoints", "passwords-admin", "passwords-kafka-cluster"}
    assert data <= kept if protect else not kept


def test_who_waits_for_whom(made):
    after = {name.removeprefix(f"{NAME}-"): names for name, names in made.after.items()}
    after = {name: {other.removeprefix(f"{NAME}-") for other in names} for name, names in after.items()}
    assert {"postgres-server", "kafka-broker"} <= after["setup"]
    assert {"setup", "spark-worker"} <= after["spark-stream"]
    for name in ("airflow-migration", "airflow-api", "dashboards-page", "metabase-server", "orders-seed"):
        assert "setup" in after[name], name
    assert "metabase-server" in after["metabase-provision"]
    assert "orders-seed" in after["orders-producer"]
    assert all("airflow-migration" in after[name] for name in SERVICES if name.startswith("airflow-"))
    assert "spark-master" in after["spark-worker"]
    assert "image-runtime" in after["image-code"]


def test_the_platform_is_that_of_the_containers(made, config):
    said = platform(config).as_env()
    for name in ("spark-stream", "airflow-scheduler", "setup"):
        assert said.items() <= variables(containers(made)[name]).items()
    assert said["ECOM_KAFKA_BOOTSTRAP_SERVERS"] == "kafka:19092"
    assert said["ECOM_SPARK_MASTER"] == "spark://spark-master:7077"


def test_this_machine_sees_the_same_platform_through_the_published_ports(config):
    inside, here = platform(config).as_env(), platform_here(config).as_env()
    assert sorted(inside) == sorted(here)
    assert here["ECOM_POSTGRES_HOST"] == "127.0.0.1"
    assert here["ECOM_KAFKA_BOOTSTRAP_SERVERS"] == "127.0.0.1:6001"
    changed = {name for name in here if here[name] != inside[name]}
    assert here["ECOM_METABASE_POSTGRES_HOST"] == "postgres"  # as Metabase sees it, whoever asks
    assert all(name.endswith(("HOST", "PORT", "SERVERS", "URL", "MASTER", "LAUNCHER")) for name in changed)


def test_what_is_exported_marks_its_secrets(config):
    exported: dict[str, Any] = {}

    def program() -> None:
        exported.update(outputs(Local(NAME, config), config))

    run(program)
    assert exported["addresses"]["airflow"] == "http://127.0.0.1:6002"
    assert {key for key, value in exported.items() if not isinstance(value, str | dict)} == {"secrets"}


def test_without_a_metabase_there_is_nothing_of_it(config):
    less = parse({"ecom:metabaseEnabled": "false"}, "the test")
    recorder = run(lambda: Local(NAME, less))
    assert not any("metabase-" in name for name in containers(recorder))
    assert f"{NAME}-image-metabase" not in recorder.resources
    assert "metabase" not in variables(containers(recorder)["setup"])["ECOM_SETUP_DATABASES"]
    assert platform(less).as_env()["ECOM_METABASE_URL"] == ""
