"""Airflow's own configuration file: every setting that differs from its defaults, and no secret.

A file rather than variables, so that with AIRFLOW_HOME set the `airflow` command works from any terminal.
"""

import importlib.metadata
import shlex
from pathlib import Path

from environments.embedded import secret_files
from environments.embedded.errors import EnvironmentFailed
from environments.embedded.home import REPOSITORY, Home
from environments.embedded.ports import HOST
from infra.config import PlatformConfig

Section = dict[str, str | int]


def version() -> str:
    """Return the installed Airflow's version; raise EnvironmentFailed if there is none."""
    try:
        return importlib.metadata.version("apache-airflow")
    except importlib.metadata.PackageNotFoundError:
        raise EnvironmentFailed("apache-airflow is not installed: `uv sync --extra airflow`") from None


def folder(home: Home) -> Path:
    """Return AIRFLOW_HOME."""
    return home.root / "airflow"


def logs(home: Home) -> Path:
    """Return the folder of the tasks' and the DAG processor's logs."""
    return folder(home) / "logs"


def passwords_file(home: Home) -> Path:
    """Return the file in which the API server looks up its users' passwords."""
    return folder(home) / "passwords.json"


def text(home: Home, config: PlatformConfig, port: int) -> str:
    """Return the content of airflow.cfg; raise EnvironmentFailed if the DAG folder is not there."""
    sections: dict[str, Section] = {
        "core": _core(home, config, port),
        "database": _database(home),
        "logging": _logging(home),
        "api": _api(home, port),
        "api_auth": {"jwt_secret_cmd": _read(home, secret_files.AIRFLOW_JWT_SECRET)},
        "scheduler": _scheduler(),
        "dag_processor": _dag_processor(home, config),
        "triggerer": {"capacity": 100},
        "usage_data_collection": {"enabled": "False"},
    }
    return "\n".join(_lines(name, section) for name, section in sections.items())


def _lines(name: str, section: Section) -> str:
    # A percent sign, as in a folder's name, would be taken for interpolation.
    lines = [f"{key} = {str(value).replace('%', '%%')}" for key, value in section.items()]
    return "\n".join([f"[{name}]", *lines, ""])


def _read(home: Home, name: str) -> str:
    return f"cat {shlex.quote(str(secret_files.secret_file(home, name)))}"


def _core(home: Home, config: PlatformConfig, port: int) -> Section:
    return {
        "dags_folder": str(dags_folder(config)),
        "load_examples": "False",
        "default_timezone": "utc",
        "executor": "LocalExecutor",
        "parallelism": config.airflow.parallelism,
        "execution_api_server_url": f"http://{HOST}:{port}/execution/",  # by default on port 8080 only
        "hostname_callable": "socket.gethostname",  # the default asks the DNS, which may be out of reach
        "fernet_key_cmd": _read(home, secret_files.AIRFLOW_FERNET_KEY),
        "simple_auth_manager_users": "admin:admin",  # name:role
        "simple_auth_manager_passwords_file": str(passwords_file(home)),
        "min_serialized_dag_update_interval": min(10, config.airflow.refresh_seconds),
    }


def dags_folder(config: PlatformConfig) -> Path:
    """Return the DAG folder; raise EnvironmentFailed if it is not there."""
    found = REPOSITORY / config.airflow.dags_folder
    if not found.is_dir():
        raise EnvironmentFailed(f"airflow.dags_folder = {config.airflow.dags_folder!r}: {found} is no folder")
    return found


def _database(home: Home) -> Section:
    return {
        "sql_alchemy_conn_cmd": _read(home, secret_files.AIRFLOW_CONNECTION),
        # At most eight connections per pool, of which the API server has two: 40 of the server's 100.
        "sql_alchemy_pool_size": 3,
        "sql_alchemy_max_overflow": 5,
    }


def _logging(home: Home) -> Section:
    return {
        "base_log_folder": str(logs(home)),
        "dag_processor_child_process_log_directory": str(logs(home) / "dag_processor"),
        "logging_level": "INFO",
        # Every task's heartbeat is a request.
        "namespace_levels": "http.access=WARNING",
        "colored_console_log": "False",
        "file_task_handler_new_folder_permissions": "0o700",
        "file_task_handler_new_file_permissions": "0o600",
    }


def _api(home: Home, port: int) -> Section:
    return {
        "host": HOST,
        "port": port,
        "base_url": f"http://{HOST}:{port}",
        "workers": 1,
        "secret_key_cmd": _read(home, secret_files.AIRFLOW_SECRET_KEY),
    }


def _scheduler() -> Section:
    return {
        "catchup_by_default": "False",
        # A scheduler that is killed takes its tasks along; five minutes are long to wait for their retry.
        "task_instance_heartbeat_timeout": 120,
    }


def _dag_processor(home: Home, config: PlatformConfig) -> Section:
    return {
        "parsing_processes": 1,
        "min_file_process_interval": config.airflow.refresh_seconds,
        "refresh_interval": config.airflow.refresh_seconds,  # how soon a new file is found
        "bundle_refresh_check_interval": min(5, config.airflow.refresh_seconds),
        "print_stats_interval": 0,
        # By default below the machine's temporary folder, which all users share.
        "dag_bundle_storage_path": str(folder(home) / "bundles"),
    }
