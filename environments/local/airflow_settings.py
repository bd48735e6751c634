"""Airflow's settings as variables: every one that differs from its defaults, and no secret."""

from environments.local.container import SECRETS as FOLDER
from environments.local.container import answers
from infra.config import AirflowConfig
from infra.platform import Env

PORT = 8080
HOME = "/var/lib/ecom/airflow"
LOGS = f"{HOME}/logs"
DAGS = "/opt/ecom/dags"
CONNECTION, PASSWORDS = "airflow_connection", "airflow_passwords.json"
SECRETS = ("airflow_fernet_key", "airflow_jwt_secret", "airflow_secret_key", CONNECTION, PASSWORDS)
# What the API server calls those of whose heartbeats it knows.
_COMPONENTS = {
    "airflow-scheduler": "scheduler",
    "airflow-dag-processor": "dag_processor",
    "airflow-triggerer": "triggerer",
}


def variables(config: AirflowConfig, api: str) -> Env:
    """Return the variables of every Airflow container; `api` is the API server's name on the network."""
    sections = {
        "core": {
            "dags_folder": DAGS,
            "load_examples": "False",
            "executor": "LocalExecutor",
            "parallelism": str(config.parallelism),
            "execution_api_server_url": f"http://{api}:{PORT}/execution/",
            "fernet_key_cmd": _read("airflow_fernet_key"),
            "simple_auth_manager_users": "admin:admin",  # name:role
            "simple_auth_manager_passwords_file": f"{FOLDER}/{PASSWORDS}",
            "min_serialized_dag_update_interval": str(min(10, config.refresh_seconds)),
            "hostname_callable": "socket.gethostname",
        },
        "database": {
            "sql_alchemy_conn_cmd": _read(CONNECTION),
            # At most eight connections per pool, of which the API server has two: 40 of the server's 100.
            "sql_alchemy_pool_size": "3",
            "sql_alchemy_max_overflow": "5",
        },
        "logging": {
            "base_log_folder": LOGS,
            "dag_processor_child_process_log_directory": f"{LOGS}/dag_processor",
            "namespace_levels": "http.access=WARNING",
            "colored_console_log": "False",
        },
        "api": {
            "port": str(PORT),
            "base_url": f"http://127.0.0.1:{config.port}",
            "workers": "1",
            "secret_key_cmd": _read("airflow_secret_key"),
        },
        "api_auth": {"jwt_secret_cmd": _read("airflow_jwt_secret")},
        # A scheduler that is killed takes its tasks along; five minutes are long to wait for their retry.
        "scheduler": {"catchup_by_default": "False", "task_instance_heartbeat_timeout": "120"},
        "dag_processor": {
            "parsing_processes": "1",
            "min_file_process_interval": str(config.refresh_seconds),
            "refresh_interval": str(config.refresh_seconds),
            "print_stats_interval": "0",
        },
        "triggerer": {"capacity": "100"},
        "usage_data_collection": {"enabled": "False"},
    }
    named = {
        f"AIRFLOW__{section}__{key}".upper(): value
        for section, settings in sections.items()
        for key, value in settings.items()
    }
    # A title that overwrites the environment would hide it from `docker top`'s reader.
    return named | {"AIRFLOW_HOME": HOME, "SPT_NOENV": "1"}


def _read(secret: str) -> str:
    return f"cat {FOLDER}/{secret}"


def health(host: str, api: str) -> list[str]:
    """Return a container's check: does the API server answer, and know a fresh heartbeat of this component?

    Airflow's own command for that takes seconds of a core at every check.
    """
    component = _COMPONENTS.get(host, "metadatabase")
    return answers(api, PORT, "/api/v2/monitor/health", f'"{component}":{{"status":"healthy"')
