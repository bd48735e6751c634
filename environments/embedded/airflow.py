"""Airflow as four supervised processes: API server, scheduler, DAG processor, triggerer; on 127.0.0.1."""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from environments.embedded import airflow_settings, postgres, secret_files
from environments.embedded import postgres_databases as databases
from environments.embedded.airflow_health import Heartbeat
from environments.embedded.airflow_metadata import MetadataCleaning
from environments.embedded.commands import run
from environments.embedded.files import write_atomically
from environments.embedded.home import REPOSITORY, Home
from environments.embedded.logs import remove_older
from environments.embedded.ports import HOST
from environments.embedded.service import Action, Say, Service, Step, Unit
from infra.config import PlatformConfig
from infra.platform import AirflowEndpoint, Env

NAME = "airflow"
API = "airflow-api"
ADMIN = "admin"
FILES, DATABASE = "airflow-files", "airflow-database"
# The API's name for each of the others, by the subcommand that starts it. The log servers that two of them
# would start listen on all addresses; the API server reads the files itself, on the same machine.
_COMPONENTS = {
    "scheduler": ("scheduler", ("--skip-serve-logs",)),
    "dag-processor": ("dag_processor", ()),
    "triggerer": ("triggerer", ("--skip-serve-logs",)),
}
SERVICES = (API, *(f"{NAME}-{command}" for command in _COMPONENTS))
# Seconds that a stop may take. The scheduler would wait for the running tasks, which may take hours; they are
# tried again. The triggerer always takes ten, though its successor takes up the triggers anyway.
_STOP_TIMEOUTS_S = {"scheduler": 10.0, "dag-processor": 10.0, "triggerer": 2.0}
# Another Airflow's settings in the caller's shell would win over our file.
_NOT_INHERITED = ("AIRFLOW__", "AIRFLOW_CONFIG")


def endpoint(home: Home, port: int) -> AirflowEndpoint:
    """Return the endpoint, the admin's password as a reference to a file."""
    password = secret_files.reference(home, secret_files.AIRFLOW_ADMIN)
    return AirflowEndpoint(url=f"http://{HOST}:{port}", admin_user=ADMIN, admin_password=password)


def units(
    home: Home, config: PlatformConfig, env: Env, ports: Mapping[str, int], after: tuple[str, ...] = ()
) -> list[Unit]:
    """Return the steps and the services; `env` holds the platform's variables, `after` what starts first."""
    port, database_port = ports[NAME], ports[postgres.NAME]
    variables = _variables(home, env)
    tidy = _tidier(home, config, variables)

    def write_files(say: Say) -> None:
        _write_files(home, config, port, database_port)
        remove_older(airflow_settings.logs(home), config.airflow.log_retention_days)

    def migrate(say: Say) -> None:
        databases.ensure_airflow(home, database_port)
        _migrate(home, database_port, variables, say)

    return [
        Step(FILES, write_files),
        Step(DATABASE, migrate, after=(postgres.NAME, FILES, *after)),
        # Listed first, so that it stops last: running tasks and the others report to it.
        _api_server(port, variables, tidy),
        *(_component(command, port, variables) for command in _COMPONENTS),
    ]


def _variables(home: Home, env: Env) -> Env:
    """Return what the processes get on top of the platform's variables; tasks inherit all of it."""
    unproxied = ",".join(filter(None, (os.environ.get("no_proxy") or os.environ.get("NO_PROXY"), HOST)))
    return {
        **env,
        "AIRFLOW_HOME": str(airflow_settings.folder(home)),
        # Workers would pick whatever `python3` is on PATH, and tasks call this environment's own commands.
        "PYSPARK_PYTHON": sys.executable,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        # Tasks talk HTTP to the API server, which no proxy can reach.
        "no_proxy": unproxied,
        "NO_PROXY": unproxied,
        "PYTHONUNBUFFERED": "1",
        # Or their titles would overwrite their environment, by which the supervisor finds its processes.
        "SPT_NOENV": "1",
    }


def _write_files(home: Home, config: PlatformConfig, port: int, postgres_port: int) -> None:
    folder = airflow_settings.folder(home)
    folder.mkdir(mode=0o700, exist_ok=True)
    folder.chmod(0o700)
    secret_files.ensure_airflow(home)
    # Anew at each start: the database's port may be another one.
    connection = secret_files.secret_file(home, secret_files.AIRFLOW_CONNECTION)
    write_atomically(connection, databases.airflow_url(home, postgres_port))
    # Written before Airflow starts, or it would make up a password and print it.
    passwords = {ADMIN: secret_files.read_secret(home, secret_files.AIRFLOW_ADMIN)}
    write_atomically(airflow_settings.passwords_file(home), json.dumps(passwords) + "\n")
    write_atomically(folder / "airflow.cfg", airflow_settings.text(home, config, port))


def _migrate(home: Home, port: int, env: Env, say: Say) -> None:
    # Airflow takes seconds to find that there is nothing to do.
    if databases.airflow_migrated_by(home, port) == airflow_settings.version():
        return
    say("migrating Airflow's metadata")
    command = [*_airflow(), "db", "migrate"]
    run("Airflow's migration", command, home.log("setup"), env=env, without=_NOT_INHERITED, folder=REPOSITORY)
    databases.note_airflow_migrated(home, port, airflow_settings.version())


def _airflow() -> tuple[str, ...]:
    return (sys.executable, "-m", "airflow")


def _api_server(port: int, env: Env, tidy: Action) -> Service:
    probe = Heartbeat(port, "metadatabase")
    return Service(
        name=API,
        command=(*_airflow(), "api-server"),
        env=env,
        without=_NOT_INHERITED,
        ready=probe.ready,
        after=(DATABASE,),
        folder=REPOSITORY,
        tidy=tidy,
        ready_timeout_s=300,
        stop_timeout_s=3,  # it is done within a tenth of a second, and then cleans its memory up for two
        address=f"http://{HOST}:{port}",
    )


def _component(command: str, port: int, env: Env) -> Service:
    component, options = _COMPONENTS[command]
    probe = Heartbeat(port, component)
    return Service(
        name=f"{NAME}-{command}",
        command=(*_airflow(), command, *options),
        env=env,
        without=_NOT_INHERITED,
        prepare=probe.started,
        ready=probe.ready,
        # Not after the API server, whose imports take as long as theirs; only the probe needs it.
        after=(DATABASE,),
        folder=REPOSITORY,
        ready_timeout_s=300,
        stop_timeout_s=_STOP_TIMEOUTS_S[command],
    )


def _tidier(home: Home, config: PlatformConfig, env: Env) -> Action:
    logs = airflow_settings.logs(home)
    cleaning = MetadataCleaning(home, config.airflow.metadata_retention_days, env, _NOT_INHERITED)

    def tidy() -> None:
        remove_older(logs, config.airflow.log_retention_days)
        cleaning(API)

    return tidy
