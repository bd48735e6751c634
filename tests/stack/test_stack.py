"""The Docker environment on a real engine, from nothing to nothing; in order, on one stack."""

import base64
import json
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg2
import pytest

from cli.stack.passwords import KEPT
from environments.local.passwords import KEYS
from tests.stack.world import IMAGES, NAME, PORTS, PREFIX, World, docker, ids, left_over
from tests.unit.test_local_preflight import FakeEngine
from tests.waiting import until

pytestmark = [pytest.mark.stack, pytest.mark.timeout(1200)]
FAULTS = ("--late", "0.02", "--duplicate", "0.02", "--invalid", "0.02")
# What runs our code, and so is replaced when a line of it changes; the others are left alone.
RUN_OUR_CODE = {
    "setup",
    "orders-seed",
    "spark-worker",
    "spark-stream",
    "dashboards-page",
    "airflow-scheduler",
    "airflow-dag-processor",
    "airflow-triggerer",
    "metabase-provision",
}
SERVICES = (
    "postgres-server",
    "kafka-broker",
    "spark-master",
    "spark-worker",
    "spark-stream",
    "dashboards-page",
    "metabase-server",
    "airflow-api",
    "airflow-scheduler",
    "airflow-dag-processor",
    "airflow-triggerer",
    "airflow-cleaner",
)
DAILY = """
from datetime import UTC, datetime
from rich.console import Console
from cli.context import use_platform
from cli.daily_run import print_failures, run_daily
from cli.demo_days import answer_for
from pipeline.database import connect_patiently
from pipeline.settings import PostgresSettings, load
use_platform()
with connect_patiently(load(PostgresSettings), "etl", "test") as connection:
    answer_for(connection, datetime.now(UTC).date())
console = Console()
run = run_daily(console)
print_failures(console, run)
raise SystemExit(not run.good)
"""


def test_up_from_nothing(world: World):
    printed = world.up("up from nothing", seedOrders="5000")
    assert "log in as admin with `ecom --stack" in printed
    told = world.status()
    assert told["healthy"]
    assert len(told["services"]) == len(SERVICES)
    assert (world.state / NAME / "passphrase").stat().st_mode & 0o777 == 0o600
    assert "encryptionsalt" not in (world.clone / "Pulumi.local.yaml").read_text()


def test_orders_with_faults_arrive_once(world: World):
    # The first `up` loaded another one.
    assert world.ecom("seed", "--orders", "6000").returncode == 1
    sent = json.loads(world.must("produce", "--count", "10000", "--rate", "2000", *FAULTS, "--json"))
    assert sent["delivered"] == 10_000
    world.verify("--quick")


def test_the_day_runs_in_the_containers_and_verify_is_clean(world: World):
    command = [sys.executable, "-c", DAILY]
    env = world.env | {"ECOM_STACK": NAME}
    started = time.monotonic()
    done = subprocess.run(command, cwd=world.clone, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    world.seconds["daily DAG"] = round(time.monotonic() - started, 1)
    report = world.verify()
    assert report["pending_repair"] == 0


def test_every_dashboard_is_in_metabase_and_answered(world: World):
    assert world.ecom("dashboards", "plan", "--check").returncode == 0
    applied = json.loads(world.must("dashboards", "apply", "--json"))
    assert applied["failed"] == []
    assert len(applied["addresses"]) == 2


def test_a_second_up_finds_nothing_to_do(world: World):
    world.timed("preview, nothing to do", "pulumi", "preview", "--expect-no-changes")
    before = ids()
    world.timed("up, nothing to do", "up")
    assert ids() == before


def forms(name: str, value: str) -> Iterator[tuple[str, str]]:
    """Yield a secret as what may leak it writes it: keys are base64, of which there are two, or hex."""
    yield name, value
    yield f"{name}, base64", value.translate(str.maketrans("-_", "+/"))
    if name in KEYS:
        yield f"{name}, hex", base64.urlsafe_b64decode(value).hex()


def test_no_secret_is_told_by_state_engine_or_logs(world: World):
    told = {
        "state": world.must("pulumi", "stack", "export"),
        "state file": "".join(path.read_text() for path in (world.state / "backend").rglob("*.json")),
        "outputs": world.must("pulumi", "stack", "output", "--json"),
    }
    for name, one in ids().items():
        told[f"inspect {name}"] = docker("inspect", one)
        done = subprocess.run(["docker", "logs", one], capture_output=True, text=True, check=True)
        told[f"logs {name}"] = done.stdout + done.stderr
    for image in left_over()["images"]:
        told[f"history {image}"] = docker("history", "--no-trunc", image) + docker("inspect", image)
    values = {form: one for name, value in world.secrets().items() for form, one in forms(name, value)}
    assert len(values) >= 12
    found = {(where, name) for where, text in told.items() for name, value in values.items() if value in text}
    assert found == set()


def test_a_changed_line_replaces_what_runs_it_and_loses_nothing(world: World):
    before = ids()
    producer = world.background("produce", "--duration", "60", "--rate", "200", *FAULTS, "--json")
    with (world.clone / "pipeline" / "settings.py").open("a") as file:
        file.write("\n# One line more.\n")
    world.timed("up, one line changed", "up")
    world.wait_healthy()
    after = ids()
    assert {name for name in after if after[name] != before[name]} == RUN_OUR_CODE
    printed, _ = producer.communicate(timeout=180)
    assert json.loads(printed)["failed"] == 0
    world.verify("--quick")


@contextmanager
def sending(world: World, folder: Path, count: int) -> Iterator[None]:
    """Go on once Kafka has acknowledged orders, a hundred a second; none of them may fail."""
    report = folder / "report.jsonl"
    words = ("--rate", "100", "--give-up-after", "120", "--json", "--report", str(report))
    process = world.background("produce", "--count", str(count), *words)
    until(lambda: report.exists() and report.stat().st_size > 0, "an order is acknowledged")
    yield
    printed, _ = process.communicate(timeout=180)
    assert json.loads(printed)["failed"] == 0


def restarts(container: str) -> int:
    return int(docker("inspect", "--format", "{{.RestartCount}}", container))


@pytest.mark.parametrize("service", SERVICES)
def test_a_killed_container_loses_nothing(service: str, world: World, tmp_path: Path):
    with sending(world, tmp_path, count=400):
        docker("kill", f"{PREFIX}{service}")
        docker("start", f"{PREFIX}{service}")
        world.wait_healthy()
    world.verify("--quick")


def test_what_crashes_is_started_again_by_docker_and_loses_nothing(world: World, tmp_path: Path):
    container = f"{PREFIX}spark-stream"
    before = restarts(container)
    with sending(world, tmp_path, count=400):
        # Not `docker kill`, which Docker takes for a wish. Only root may, on the engine's own machine.
        pid = docker("inspect", "--format", "{{.State.Pid}}", container).strip()
        on_the_machine = ("run", "--rm", "--pid=host", "--user=0", "--entrypoint=sh")
        docker(*on_the_machine, IMAGES["imagePython"], "-c", f"kill -9 {pid}")
        until(lambda: restarts(container) > before, "Docker starts it again")
        world.wait_healthy()
    world.verify("--quick")


def test_refresh_shows_what_somebody_removed_and_up_mends_it(world: World):
    world.must("pulumi", "refresh", "--yes", "--skip-preview", "--expect-no-changes")
    docker("rm", "--force", f"{PREFIX}dashboards-page")
    assert not world.status()["healthy"]
    assert world.ecom("pulumi", "refresh", "--yes", "--skip-preview", "--expect-no-changes").returncode != 0
    world.must("up")
    world.wait_healthy()


@pytest.fixture(scope="module")
def backup(world: World, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    """Make one backup for both tests that restore it; return its folder and how many orders there were."""
    folder, rows = tmp_path_factory.mktemp("backup") / "monday", world.verify("--quick")["raw_rows"]
    world.timed("backup", "backup", str(folder))
    return folder, rows


def test_a_backup_brings_back_what_was(world: World, backup: tuple[Path, int]):
    folder, rows = backup
    world.must("produce", "--count", "500", "--rate", "500")
    assert world.verify("--quick")["raw_rows"] > rows
    world.timed("restore", "restore", str(folder), "--yes")
    assert world.verify("--quick")["raw_rows"] == rows


def test_secrets_are_made_anew_by_one_command(world: World, backup: tuple[Path, int]):
    folder, rows = backup
    before = world.secrets()
    world.timed("rotation", "secrets", "rotate")
    world.wait_healthy()
    after = world.secrets()
    assert {name for name in after if after[name] == before[name]} == set(KEPT)
    world.must("produce", "--count", "500", "--rate", "500")
    world.verify("--quick")
    for user, name in (("etl", "etl"), ("ecom_admin", "admin"), ("metabase", "metabase_database")):
        with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
            psycopg2.connect(
                host="127.0.0.1",
                port=PORTS["postgresPort"],
                user=user,
                dbname="postgres",
                password=before[name],
            )
    assert world.ecom("dashboards", "plan", "--check").returncode == 0
    world.must("pulumi", "preview", "--expect-no-changes")
    # Data of before get the passwords of now, in the server and in Metabase.
    world.must("restore", str(folder), "--yes")
    world.wait_healthy()
    assert world.verify("--quick")["raw_rows"] == rows
    assert world.ecom("dashboards", "plan", "--check").returncode == 0
    world.must("pulumi", "preview", "--expect-no-changes")


class TestPreviewSays:
    """What is in the way, in one line that names the key, before anything is touched."""

    def said(self, world: World, *words: str, env: dict[str, str] | None = None) -> str:
        config = world.state / NAME / f"Pulumi.{NAME}.yaml"
        before = config.read_text()
        done = world.ecom("pulumi", "preview", *words, env=env)
        config.write_text(before)  # Pulumi keeps what `--config` says
        assert done.returncode != 0
        assert "Traceback" not in done.stdout + done.stderr
        return done.stdout + done.stderr

    def test_a_port_in_use(self, world: World):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            said = self.said(world, "--config", f"ecom:kafkaPort={port}")
        assert f"ecom:kafkaPort = {port}: another program has this port of 127.0.0.1 already" in said

    def test_too_little_memory(self, world: World):
        said = self.said(world, "--config", "ecom:memoryKafka=600")
        assert "ecom:memoryKafka = 600: kafkaHeapMb needs at least 768 MB" in said

    def test_an_unknown_image_override(self, world: World):
        assert "ecom:imageKafkaa: unknown key" in self.said(world, "--config", "ecom:imageKafkaa=x:1")

    def test_an_image_that_nobody_has(self, world: World):
        # A public registry does not tell a stranger what it lacks from what it hides.
        said = self.said(world, "--config", "ecom:imageKafka=127.0.0.1:1/none:1")
        assert "ecom:imageKafka = 127.0.0.1:1/none:1: it is not on the Docker Engine" in said

    def test_a_bad_password_length(self, world: World):
        said = self.said(world, "--config", "ecom:secretLength=8")
        assert "ecom:secretLength = 8" in said
        assert "greater than or equal to 16" in said

    def test_docker_not_running(self, world: World, tmp_path: Path):
        said = self.said(world, env={"DOCKER_HOST": f"unix://{tmp_path}/docker.sock"})
        assert f"no Docker Engine answers at unix://{tmp_path}/docker.sock" in said

    def test_an_engine_that_is_too_old(self, world: World, tmp_path: Path):
        with FakeEngine(tmp_path / "docker.sock") as old:
            old.version = "19.03.15"
            thread = threading.Thread(target=old.serve_forever, kwargs={"poll_interval": 0.05})
            thread.start()
            said = self.said(world, env={"DOCKER_HOST": f"unix://{tmp_path}/docker.sock"})
            old.shutdown()
            thread.join()
        assert "is 19.03.15: 20.10 or newer is needed" in said


def test_down_leaves_nothing_but_the_data(world: World):
    rows = world.verify("--quick")["raw_rows"]
    world.timed("down", "down")
    left = left_over()
    assert (left["containers"], left["networks"], left["images"]) == ([], [], [])
    assert {name.removeprefix(PREFIX) for name in left["volumes"]} == {
        "postgres-data",
        "kafka-data",
        "spark-checkpoints",
    }
    for image in IMAGES.values():
        docker("image", "inspect", image)
    world.timed("up again, with its data", "up")
    assert world.verify("--quick")["raw_rows"] == rows


def test_wiped_means_wiped(world: World):
    world.must("down", "--wipe", "--yes")
    assert not any(left_over().values())
    assert not (world.state / NAME).exists()
    with pytest.raises(AssertionError, match="there is no stack"):
        world.must("verify", "--quick")
    shutil.rmtree(world.state)
