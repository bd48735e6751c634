"""The local environment's parts alone: what is refused, how images are named, what a health-check says."""

import json
import os
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pulumi_docker as docker
import pytest

from environments.local import airflow, airflow_settings, images, kafka, metabase, postgres, spark
from environments.local.config import Limit, Limits, LocalConfig, parse
from environments.local.container import ContainerSpec, SecretFile, is_fresh
from environments.local.passwords import PasswordsArgs
from infra.config import KafkaConfig, PostgresConfig


@pytest.fixture
def config() -> LocalConfig:
    return parse({}, "the test")


class TestRefused:
    def test_a_server_larger_than_its_container(self):
        with pytest.raises(ValueError, match="shared_buffers_mb = 512: not below memory_mb = 512"):
            postgres.PostgresArgs(
                "i", network(), PostgresConfig(), Limit(512, "1"), SecretFile("admin", "x"), True
            )
        with pytest.raises(ValueError, match="heap_mb = 512: not below memory_mb = 512"):
            kafka.KafkaArgs("i", network(), KafkaConfig(), Limit(512, "1"), "id", True)

    def test_executors_larger_than_the_worker(self, config):
        memory = config.memory.model_copy(update={"spark_worker": 1024})
        limits = Limits(memory, config.cpus)
        with pytest.raises(ValueError, match="two executors of 1536 MB in all"):
            spark.SparkArgs("r", "c", network(), config.spark, limits, {}, [], True)

    def test_an_airflow_that_would_make_up_its_secrets(self, config):
        with pytest.raises(ValueError, match="own_secrets lacks airflow_connection"):
            airflow.AirflowArgs(
                "r", "c", network(), config.platform.airflow, config.spark, config.limits, {}, [], []
            )

    def test_a_metabase_that_would_not_encrypt(self, config):
        secret = SecretFile(metabase.PASSWORD, "x")
        with pytest.raises(ValueError, match="secrets lacks metabase_key"):
            metabase.MetabaseArgs("i", "t", network(), config.metabase, config.limits, {}, [secret], [])

    def test_a_password_that_can_be_guessed(self):
        with pytest.raises(ValueError, match="length = 8"):
            PasswordsArgs(8, True)

    @pytest.mark.parametrize(
        ("more", "said"),
        [
            ({"limit": Limit(4, "1")}, "memory_mb = 4"),
            ({"secrets": [SecretFile("a", "x"), SecretFile("a", "y")]}, "a secret is named twice: a, a"),
            ({"ports": {80: 8080}}, "runs once, and so has no ports"),
            ({"read_only": True, "files": {"/etc/x": "y"}}, "is read-only, and so nothing can be uploaded"),
        ],
    )
    def test_a_container_that_makes_no_sense(self, more, said):
        options: dict[str, Any] = {
            "host": "h",
            "image": "i",
            "network": network(),
            "limit": Limit(64, "1"),
            "user": "1",
        }
        with pytest.raises(ValueError, match=said):
            ContainerSpec(**(options | more))


def network() -> docker.Network:
    """Return what is only passed on here."""
    return docker.Network.__new__(docker.Network)


class TestHealthCheck:
    """The very command that Docker runs, on a server that says what Airflow's says."""

    def run(self, server: HTTPServer, command: list[str]) -> int:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        code = subprocess.run(command[1:], check=False, capture_output=True).returncode
        thread.join()
        return code

    @pytest.mark.parametrize(("state", "code"), [("healthy", 0), ("unhealthy", 1)])
    def test_it_goes_by_the_components_own_state(self, state, code):
        body = json.dumps({"metadatabase": {"status": "healthy"}, "scheduler": {"status": state}})

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                assert self.path == "/api/v2/monitor/health"
                self.send_response(200)
                self.end_headers()
                self.wfile.write(body.replace(" ", "").encode())

            def log_message(self, *_: object) -> None:
                pass

        with HTTPServer(("127.0.0.1", 0), Handler) as server:
            check = airflow_settings.health("airflow-scheduler", "127.0.0.1")
            check = [word.replace(f"/{airflow_settings.PORT} ", f"/{server.server_port} ") for word in check]
            assert self.run(server, check) == code

    def test_nobody_there_is_not_healthy(self):
        check = airflow_settings.health("airflow-scheduler", "127.0.0.1")
        check = [word.replace(f"/{airflow_settings.PORT} ", "/1 ") for word in check]
        assert subprocess.run(check[1:], check=False, capture_output=True).returncode != 0


@pytest.mark.parametrize(("age_s", "code"), [(10, 0), (400, 1), (None, 1)])
def test_a_heartbeat_counts_by_its_age(age_s, code, tmp_path):
    file = tmp_path / "alive"
    if age_s is not None:
        file.touch()
        os.utime(file, (time.time() - age_s,) * 2)
    command = is_fresh(str(file), 5)
    assert subprocess.run(command[1:], check=False, capture_output=True).returncode == code


class TestImageNames:
    def test_a_changed_line_of_ours_makes_another_code_image_and_the_same_runtime(
        self, tmp_path, monkeypatch
    ):
        for part in {*images._RUNTIME, *images._CODE}:
            file = tmp_path / part if "." in part else tmp_path / part / "module.py"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(part, encoding="utf-8")
        monkeypatch.setattr(images, "REPOSITORY", tmp_path)
        parts = (*images._RUNTIME, *images._CODE)
        before = [images.fingerprint(part, "python:3.11") for part in (images._RUNTIME, parts)]
        (tmp_path / "pipeline" / "module.py").write_text("changed", encoding="utf-8")
        after = [images.fingerprint(part, "python:3.11") for part in (images._RUNTIME, parts)]
        assert after[0] == before[0]
        assert after[1] != before[1]

    def test_another_base_is_another_image(self):
        assert images.fingerprint(("uv.lock",), "a:1") != images.fingerprint(("uv.lock",), "b:1")

    def test_what_python_leaves_behind_is_not_content(self):
        assert not any("__pycache__" in path.parts for path in images._files(("environments/local",)))
