"""What would stop an update half-way is told before it begins, each with its key."""

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingUnixStreamServer
from typing import Any
from urllib.parse import unquote

import pytest

from environments.local.config import parse
from environments.local.engine import DEFAULT_HOST, Engine, engine_host
from environments.local.preflight import check
from infra.config import ConfigError

NAME = "ecom-test"


class FakeEngine(ThreadingUnixStreamServer):
    """Answers like an engine that can do everything; a test takes something away."""

    daemon_threads = True

    def __init__(self, path: Path) -> None:
        super().__init__(str(path), _Handler)
        self.version = "28.2.2"
        self.memory_mb, self.cores = 16_000, 4
        self.containers: list[dict[str, Any]] = []
        self.missing: dict[str, str] = {}
        self.refusal = 404
        self.here = True
        self.asked: list[str] = []

    def answer(self, path: str) -> tuple[int, Any]:
        self.asked.append(path)
        if path.startswith("/images/"):
            reference = unquote(path.split("/")[2])
            return (200, {}) if self.here and reference not in self.missing else (404, {"message": "no"})
        if path.startswith("/distribution/"):
            why = self.missing.get(unquote(path.split("/")[2]))
            return (self.refusal, {"message": why}) if why else (200, {})
        return 200, {
            "/version": {"Version": self.version},
            "/info": {"MemTotal": self.memory_mb * 1024 * 1024, "NCPU": self.cores},
            "/containers/json": self.containers,
        }[path]


class _Handler(BaseHTTPRequestHandler):
    server: FakeEngine

    def do_GET(self) -> None:
        status, body = self.server.answer(self.path)
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def fake(tmp_path) -> Iterator[FakeEngine]:
    with FakeEngine(tmp_path / "docker.sock") as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def free() -> dict[str, str]:
    """Ports that nobody has."""
    keys = ("postgresPort", "kafkaPort", "airflowPort", "dashboardsPort", "sparkMasterPort", "metabasePort")
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in keys]
    ports = {f"ecom:{key}": str(one.getsockname()[1]) for key, one in zip(keys, sockets, strict=True)}
    for one in sockets:
        one.close()
    return ports


def run(fake: FakeEngine, values: dict[str, str]) -> None:
    check(parse(values, "the test"), NAME, Engine(f"unix://{fake.server_address!s}"))


def said(fake: FakeEngine, values: dict[str, str]) -> str:
    with pytest.raises(ConfigError) as caught:
        run(fake, values)
    return str(caught.value)


def test_nothing_is_in_the_way(fake, free):
    run(fake, free)
    assert not any("distribution" in path for path in fake.asked)


def test_an_engine_that_is_not_there(tmp_path, free):
    with pytest.raises(ConfigError, match=r"no Docker Engine answers at unix://.*: start Docker, or"):
        check(parse(free, "the test"), NAME, Engine(f"unix://{tmp_path}/none.sock"))


def test_an_engine_that_is_too_old(fake, free):
    fake.version = "19.03.15"
    assert said(fake, free).endswith("is 19.03.15: 20.10 or newer is needed")


@pytest.mark.parametrize("version", ["20.10.24+dfsg1", "29.0", "dev"])
def test_one_that_will_do(version, fake, free):
    fake.version = version
    run(fake, free)


def test_too_little_memory_or_too_few_cores(fake, free):
    fake.memory_mb, fake.cores = 2_000, 1
    lines = said(fake, free).splitlines()
    assert lines[0] == "the Docker Engine has 2000 MB of memory: 6000 MB are needed"
    assert "ecom:memorySparkWorker = 3072: the Docker Engine has 2000 MB in all" in lines
    assert "ecom:cpuPostgres = 2: the Docker Engine has 1 cores" in lines


class TestPort:
    def test_of_another_program(self, fake, free):
        with socket.create_server(("127.0.0.1", int(free["ecom:kafkaPort"]))):
            message = said(fake, free)
        port = free["ecom:kafkaPort"]
        assert message.startswith(f"ecom:kafkaPort = {port}: another program has this port of 127.0.0.1")
        assert "`ecom --stack test up --set kafkaPort=" in message
        assert "with a backend of your own `pulumi config set kafkaPort" in message

    @pytest.mark.parametrize(
        ("holder", "good"),
        [
            ("ecom-test-kafka-broker", True),
            ("ecom-test-metabase-server", True),
            ("ecom-test-2-kafka-broker", False),
            ("shop-db", False),
        ],
    )
    def test_of_a_container(self, holder, good, fake, free):
        port = int(free["ecom:kafkaPort"])
        fake.containers = [{"Names": [f"/{holder}"], "Ports": [{"PublicPort": port}, {"PrivatePort": 9}]}]
        with socket.create_server(("127.0.0.1", port)):
            if good:
                run(fake, free)
                return
            assert f"the container {holder} has this port" in said(fake, free)


class TestImage:
    def test_that_nobody_has(self, fake, free):
        fake.missing = {"mirror/postgres:1": "manifest unknown"}
        message = said(fake, free | {"ecom:imagePostgres": "mirror/postgres:1"})
        assert message == (
            "ecom:imagePostgres = mirror/postgres:1: it is not on the Docker Engine, and its registry says:"
            " manifest unknown (--set imagePostgres=… of `ecom … up` names another)"
        )

    @pytest.mark.parametrize(
        ("status", "why"),
        [
            (401, "unauthorized: access to the requested resource is not authorized"),
            (403, "pull access denied for mirror/postgres, repository does not exist or may require login"),
            (429, "toomanyrequests: You have reached your pull rate limit"),
            (500, "Head https://mirror/v2/postgres/manifests/1: no basic auth credentials"),
        ],
    )
    def test_of_a_registry_that_does_not_tell_is_left_to_the_pull(self, status, why, fake, free):
        fake.missing, fake.refusal = {"mirror/postgres:1": why}, status
        run(fake, free | {"ecom:imagePostgres": "mirror/postgres:1"})

    def test_of_a_registry_out_of_the_engines_reach(self, fake, free):
        fake.missing, fake.refusal = {"mirror/postgres:1": "dial tcp: lookup mirror: no such host"}, 500
        assert "no such host" in said(fake, free | {"ecom:imagePostgres": "mirror/postgres:1"})

    def test_that_its_registry_has(self, fake, free):
        fake.here = False
        run(fake, free)

    def test_that_is_not_wanted(self, fake, free):
        fake.missing = {"mb:1": "manifest unknown"}
        values = free | {"ecom:imageMetabase": "mb:1"}
        run(fake, values | {"ecom:metabaseEnabled": "false"})
        assert "ecom:imageMetabase = mb:1" in said(fake, values)


def test_where_the_engine_is_looked_for():
    assert engine_host({}, {}) == DEFAULT_HOST
    assert engine_host({}, {"DOCKER_HOST": "tcp://a:1"}) == "tcp://a:1"
    assert engine_host({"docker:host": "ssh://b"}, {"DOCKER_HOST": "tcp://a:1"}) == "ssh://b"


def test_an_engine_behind_ssh_is_left_to_pulumi(free):
    check(parse(free, "the test"), NAME, Engine("ssh://nowhere"))
