"""Airflow's configuration file, secrets and processes, as far as they can be told without starting it."""

import configparser
import os
import shlex
import stat
import sys
import time
from pathlib import Path

import pytest

from environments.embedded import airflow, airflow_settings, child, secret_files
from environments.embedded.commands import run
from environments.embedded.errors import EnvironmentFailed
from environments.embedded.home import REPOSITORY, Home
from environments.embedded.logs import Tail, remove_older
from environments.embedded.platform import Plan
from environments.embedded.process import inherited
from environments.embedded.service import Service, Step, in_order
from infra.config import PlatformConfig
from infra.platform import Env
from tests.unit.sample_platform import sample_platform

PORTS = {"airflow": 28080, "postgres": 25432}
NAMES = (
    "airflow_admin", "airflow_database", "airflow_fernet_key", "airflow_jwt_secret", "airflow_secret_key",
)  # fmt: skip


@pytest.fixture
def home(tmp_path: Path) -> Home:
    found = Home(tmp_path / "100% ours")
    found.create()
    secret_files.ensure_secrets(found, data_exists=False)
    secret_files.ensure_airflow(found)
    return found


def settings_of(home: Home, config: PlatformConfig) -> configparser.ConfigParser:
    parser = configparser.ConfigParser()  # interpolates percent signs, as Airflow's does
    parser.read_string(airflow_settings.text(home, config, PORTS["airflow"]))
    return parser


def configured(**values: object) -> PlatformConfig:
    return PlatformConfig.from_mapping({"airflow": values}, "test")


def services(home: Home, env: Env | None = None) -> list[Service]:
    units = airflow.units(home, PlatformConfig(), env or sample_platform().as_env(), PORTS)
    return [unit for unit in units if isinstance(unit, Service)]


def test_every_secret_is_a_private_file_of_its_own_and_is_never_made_anew(home: Home):
    first = {name: secret_files.read_secret(home, name) for name in NAMES}
    assert len(set(first.values())) == len(NAMES)
    assert {stat.S_IMODE(secret_files.secret_file(home, name).stat().st_mode) for name in NAMES} == {0o600}
    secret_files.ensure_airflow(home)
    assert {name: secret_files.read_secret(home, name) for name in NAMES} == first


def test_the_configuration_names_the_files_of_secrets_and_holds_none(home: Home):
    text = airflow_settings.text(home, PlatformConfig(), 28080)
    assert not [name for name in NAMES if secret_files.read_secret(home, name) in text]
    commands = {
        ("database", "sql_alchemy_conn_cmd"): "airflow_connection",
        ("core", "fernet_key_cmd"): "airflow_fernet_key",
        ("api_auth", "jwt_secret_cmd"): "airflow_jwt_secret",
        ("api", "secret_key_cmd"): "airflow_secret_key",
    }
    found = settings_of(home, PlatformConfig())
    for (section, key), name in commands.items():
        # A folder's blanks and percent signs must survive both parsers.
        assert shlex.split(found[section][key]) == ["cat", str(home.secrets / name)]


def test_whatever_names_the_port_names_the_chosen_one(home: Home):
    found = settings_of(home, configured(port=8080))
    assert found["api"]["port"] == "28080"
    assert found["api"]["base_url"] == "http://127.0.0.1:28080"
    assert found["core"]["execution_api_server_url"] == "http://127.0.0.1:28080/execution/"
    assert found["api"]["host"] == "127.0.0.1"


def test_what_a_person_chose_is_configured(home: Home, tmp_path: Path):
    config = configured(dags_folder=str(tmp_path), parallelism=3, refresh_seconds=7)
    found = settings_of(home, config)
    assert found["core"]["dags_folder"] == str(tmp_path)
    assert found["core"]["parallelism"] == "3"
    assert found["dag_processor"]["min_file_process_interval"] == "7"
    assert settings_of(home, PlatformConfig())["core"]["dags_folder"] == str(REPOSITORY / "dags")


def test_a_dag_folder_that_is_not_there_is_told_with_its_key(home: Home):
    with pytest.raises(EnvironmentFailed, match=r"airflow\.dags_folder = 'nowhere': .*/nowhere is no folder"):
        airflow_settings.text(home, configured(dags_folder="nowhere"), 28080)


def test_four_services_after_the_migration_and_the_api_server_stops_last(home: Home):
    postgres = Service("postgres", ("postgres",), ready=lambda: True)
    units = in_order([postgres, *airflow.units(home, PlatformConfig(), {}, PORTS)])
    assert tuple(unit.name for unit in units if isinstance(unit, Service)) == ("postgres", *airflow.SERVICES)
    assert all(unit.after == ("airflow-database",) for unit in services(home))
    migration = next(unit for unit in units if unit.name == "airflow-database")
    assert isinstance(migration, Step)
    assert "postgres" in migration.after


def test_tasks_get_the_platforms_variables_this_interpreter_and_no_secret(home: Home):
    variables = sample_platform().as_env()
    for service in services(home, variables):
        assert service.env.items() >= variables.items()
        assert service.env["PYSPARK_PYTHON"] == sys.executable
        assert service.env["PATH"].split(os.pathsep)[0] == str(Path(sys.executable).parent)
        assert not [secret for secret in NAMES if secret_files.read_secret(home, secret) in str(service)]


@pytest.mark.parametrize(
    ("mine", "expected"), [("", "127.0.0.1"), ("corp.example", "corp.example,127.0.0.1")]
)
def test_no_proxy_stands_between_tasks_and_the_api(home: Home, monkeypatch, mine: str, expected: str):
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.setenv("no_proxy", mine)
    assert {service.env["no_proxy"] for service in services(home)} == {expected}


def test_anothers_airflow_settings_are_not_inherited(home: Home, monkeypatch, tmp_path: Path):
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", "CeleryExecutor")
    monkeypatch.setenv("AIRFLOW_CONN_MINE", "kept")
    for service in services(home):
        given = inherited(service.without)
        assert "AIRFLOW__CORE__EXECUTOR" not in given
        assert given["AIRFLOW_CONN_MINE"] == "kept"
    run("env", ["env"], tmp_path / "log", without=("AIRFLOW__",))
    assert "CeleryExecutor" not in (tmp_path / "log").read_text()
    assert "AIRFLOW_CONN_MINE=kept" in (tmp_path / "log").read_text()


def test_airflow_without_its_database_is_refused(home: Home):
    with pytest.raises(EnvironmentFailed, match="airflow keeps its metadata in postgres"):
        Plan(home, PlatformConfig(), ("airflow",))


def test_old_logs_go_and_their_empty_folders_too(tmp_path: Path):
    old, young = tmp_path / "dag" / "run" / "1.log", tmp_path / "dag" / "2.log"
    old.parent.mkdir(parents=True)
    for path, days in ((old, 8), (young, 6)):
        path.touch()
        os.utime(path, (0, time.time() - days * 86_400))
    remove_older(tmp_path, 7)
    assert list(tmp_path.rglob("*")) == [young.parent, young]
    remove_older(tmp_path / "never made", 7)


def test_a_log_is_trimmed_while_it_is_written(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(child, "_ROTATE_AT_BYTES", 10)
    log = tmp_path / "airflow-api.log"
    with log.open("a", buffering=1) as writer:
        writer.write("a long first line\n")
        tail = Tail(log)
        child.trim(log)
        writer.write("second\n")
        child.trim(log)
    assert log.read_text() == "second\n"
    assert log.with_suffix(".log.1").read_text() == "a long first line\n"
    assert list(tail.new_lines()) == ["second"]
