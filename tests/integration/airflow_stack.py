"""One PostgreSQL and one Airflow with DAGs, started where port 8080 is taken."""

import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from environments import embedded
from environments.embedded import airflow, process
from environments.embedded.ports import any_free
from infra.platform import Platform
from pipeline.settings import AirflowSettings
from tests.conftest import make_home

USUAL_PORT = 8080
DAGS = Path(__file__).parents[1] / "airflow_dags"
CONFIG = """
[postgres]
port = {postgres}
shared_buffers_mb = 64
[airflow]
dags_folder = "{dags}"
parallelism = 2
[kafka]
port = {kafka}
heap_mb = 256
"""


@dataclass(frozen=True)
class AirflowStack:
    home: embedded.Home
    platform: Platform

    @property
    def settings(self) -> AirflowSettings:
        endpoint = self.platform.airflow
        return AirflowSettings(
            url=endpoint.url, admin_user=endpoint.admin_user, admin_password_ref=endpoint.admin_password
        )

    @property
    def state(self) -> embedded.State:
        found = embedded.load(self.home)
        assert found is not None
        return found

    def secrets(self) -> dict[str, str]:
        """Return what must be nowhere but in its file."""
        return {path.name: path.read_text(encoding="utf-8").strip() for path in self.home.secrets.iterdir()}

    def processes(self) -> list[psutil.Process]:
        """Return Airflow's processes, tasks included, as the supervisor would find them after a crash."""
        return [found for name in airflow.SERVICES for found in process.members(self.home, name)]


@contextmanager
def running_airflow(dags: Path = DAGS, *beside: str) -> Iterator[AirflowStack]:
    """Start PostgreSQL, Airflow, and services that its DAGs need `beside` them."""
    home = embedded.Home(make_home())
    config = home.root.parent / "ecom.toml"
    config.write_text(CONFIG.format(postgres=any_free(), kafka=any_free(), dags=dags), encoding="utf-8")
    # Whatever another Airflow in the caller's shell says must not reach ours.
    os.environ["AIRFLOW__API__PORT"] = "1"
    try:
        services = ("postgres", *beside, "airflow")
        with _taken(USUAL_PORT), embedded.running(home.root, config, services) as platform:
            yield AirflowStack(home, platform)
    finally:
        del os.environ["AIRFLOW__API__PORT"]
    assert process.members(home) == []
    shutil.rmtree(home.root.parent)


@contextmanager
def _taken(port: int) -> Iterator[None]:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
            listener.listen()
        except OSError:
            pass  # somebody else has it, which will do
        yield
