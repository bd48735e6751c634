"""`ecom up | status | logs | down` on the real processes, through kills, hang-ups and taken ports."""

import fcntl
import json
import os
import pty
import shutil
import signal
import socket
import stat
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest

from environments import embedded
from environments.embedded import process
from environments.embedded.home import Home
from tests.conftest import make_home, write_config
from tests.waiting import until

ECOM = [sys.executable, "-c", "from cli.main import run; run()"]
ROOT = Path(__file__).parents[2]
# Stands where the streaming job stands: says that it is ready, has a child of its own, and stays.
STAND_IN = """
import os, pathlib, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
pathlib.Path(os.environ["ECOM_STREAM_READY_FILE"]).write_text(str(child.pid))
time.sleep(600)
"""


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    found = Home(make_home())
    monkeypatch.setenv("ECOM_HOME", str(found.root))
    yield found
    embedded.stop(found)
    assert process.members(found) == []
    shutil.rmtree(found.root.parent)


@pytest.fixture
def config(home: Home) -> Path:
    return write_config(home.root.parent)


def ecom(*arguments: str, expect: int = 0) -> subprocess.CompletedProcess[str]:
    answer = subprocess.run([*ECOM, *arguments], capture_output=True, text=True, cwd=ROOT, check=False)
    assert answer.returncode == expect, answer.stdout + answer.stderr
    return answer


def state_of(home: Home) -> embedded.State:
    found = embedded.load(home)
    assert found is not None
    return found


def connect(home: Home):
    platform = state_of(home).platform
    assert platform is not None
    server = platform.postgres
    password = Path(server.admin_password.removeprefix("file:")).read_text().strip()
    return closing(
        psycopg2.connect(
            host=server.host,
            port=server.port,
            dbname=server.database,
            user=server.admin_user,
            password=password,
        )
    )


def test_up_is_idempotent_and_data_ports_and_passwords_outlive_a_stop(home: Home, config: Path):
    assert "not running" in ecom("status", expect=1).stdout
    ecom("up", "-d", "--only", "postgres,kafka", "--config", str(config))
    first = state_of(home)
    with connect(home) as connection, connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE public.kept AS SELECT 42 AS answer")

    again = ecom("up", "-d")
    assert f"already running, pid {first.supervisor.pid}" in again.stderr
    assert json.loads(ecom("status", "--json").stdout)["healthy"] is True
    assert "ECOM_POSTGRES_HOST=127.0.0.1" in ecom("env").stdout
    assert "Kafka Server started" in ecom("logs", "kafka", "-n", "200").stdout
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in home.secrets.iterdir()}
    assert modes == dict.fromkeys(("admin", "ingest", "etl", "bi_readonly"), 0o600)
    assert stat.S_IMODE(home.secrets.stat().st_mode) == 0o700
    assert stat.S_IMODE(home.env_file.stat().st_mode) == 0o600
    passwords = {path.name: path.read_text() for path in home.secrets.iterdir()}

    assert "stopped postgres, kafka" in ecom("down").stdout
    assert "run `ecom up`" in ecom("env", expect=1).stderr
    assert "nothing was running" in ecom("down").stdout
    assert process.members(home) == []
    # As a start leaves it that is killed while it makes the database's files.
    (home.root / ".postgres-killed" / "data").mkdir(parents=True)
    ecom("up", "-d", "--only", "postgres", "--config", str(config))
    assert list(home.root.glob(".postgres-*")) == []
    assert state_of(home).ports == first.ports
    assert {path.name: path.read_text() for path in home.secrets.iterdir()} == passwords
    with connect(home) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT answer FROM public.kept")
        assert cursor.fetchone() == (42,)

    ecom("down", "--wipe", "--yes")
    assert not home.root.exists()


def test_no_password_is_in_a_command_line_a_log_or_the_state(home: Home, config: Path):
    ecom("up", "-d", "--only", "postgres", "--config", str(config))
    seen = [" ".join(member.cmdline()) for member in process.members(home)]
    seen += [
        path.read_text(errors="replace") for path in (*home.logs.iterdir(), home.state_file, home.env_file)
    ]
    for secret in home.secrets.iterdir():
        assert not [text for text in seen if secret.read_text().strip() in text], secret.name


@pytest.mark.parametrize("victims", ["supervisor", "everything"])
def test_after_a_kill_the_next_up_just_works(home: Home, config: Path, victims: str):
    arguments = ("up", "-d", "--only", "postgres,kafka", "--config", str(config))
    ecom(*arguments)
    before = state_of(home)
    assert before.supervisor.send(signal.SIGKILL)
    if victims == "everything":
        process.kill(process.members(home))
    ecom(*arguments)
    after = state_of(home)
    assert after.healthy
    assert after.supervisor != before.supervisor
    old = [unit.process for unit in before.services.values() if unit.process]
    assert not [each for each in old if each.alive()]


def test_what_ignores_the_death_of_its_supervisor_is_found_and_ended(home: Home):
    deaf = "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + STAND_IN
    options = embedded.Options(home, services=("stream",), stream_command=(sys.executable, "-c", deaf))
    first = embedded.start(options)
    assert first.supervisor.send(signal.SIGKILL)
    left = first.services["stream"].process
    assert left is not None
    assert left.alive()
    second = embedded.start(options)
    assert second.healthy
    assert not left.alive()
    # An orderly stop would now wait a minute for a service that ignores it.
    assert second.supervisor.send(signal.SIGKILL)
    process.kill(process.members(home))


def test_an_orphan_that_hides_its_environment_is_found_and_ended(home: Home):
    shy = STAND_IN.replace('time.sleep(600)"])', 'time.sleep(600)"], env={})')
    options = embedded.Options(home, services=("stream",), stream_command=(sys.executable, "-c", shy))
    first = embedded.start(options)
    orphan = process.Identity.of(int((home.run / "stream.ready").read_text()))
    assert orphan.pid in {each.pid for each in process.members(home)}
    assert first.supervisor.send(signal.SIGKILL)
    left = first.services["stream"].process
    assert left is not None
    left.send(signal.SIGKILL)
    assert orphan.alive()
    assert embedded.start(options).healthy
    assert not orphan.alive()
    embedded.stop(home)


def test_a_taken_port_is_replaced_by_a_free_one(home: Home, config: Path):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        taken = listener.getsockname()[1]
        config.write_text(f"[postgres]\nport = {taken}\nshared_buffers_mb = 64\n")
        ecom("up", "-d", "--only", "postgres", "--config", str(config))
        assert state_of(home).ports["postgres"] != taken
        with connect(home) as connection:
            assert connection.closed == 0


@pytest.mark.parametrize("how", ["ctrl-c", "closed terminal", "SIGTERM"])
def test_a_foreground_up_leaves_nothing_running(home: Home, config: Path, how: str):
    terminal, its_end = pty.openpty()
    supervisor = subprocess.Popen(
        [*ECOM, "up", "--only", "postgres", "--config", str(config)],
        stdin=its_end,
        stdout=its_end,
        stderr=its_end,
        cwd=ROOT,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )
    os.close(its_end)
    shown = b""
    while b"Ctrl-C stops everything" not in shown:
        shown += os.read(terminal, 4096)
    assert state_of(home).healthy
    assert b"postgres" in shown
    if how == "ctrl-c":
        os.write(terminal, b"\x03")
    elif how == "SIGTERM":
        supervisor.terminate()
    else:
        os.close(terminal)
    supervisor.wait(timeout=60)
    if how != "closed terminal":
        os.close(terminal)
    assert process.members(home) == []
    assert state_of(home).phase == "stopped"


def test_a_killed_service_is_restarted_and_its_descendants_do_not_outlive_it(home: Home):
    command = (sys.executable, "-c", STAND_IN)
    with embedded.running(home.root, services=("stream",), stream_command=command):
        child = process.Identity.of(int((home.run / "stream.ready").read_text()))
        killed = embedded.send(home, "stream")
        unit = embedded.wait_ready(home, "stream", not_as=killed)
        assert unit.restarts == 1
        assert not child.alive()
        assert state_of(home).healthy
    assert process.members(home) == []


def test_a_service_that_never_comes_up_is_reported_with_the_end_of_its_log(home: Home):
    command = (sys.executable, "-c", "raise SystemExit('no such topic')")
    options = embedded.Options(home, services=("stream",), stream_command=command)
    with pytest.raises(embedded.EnvironmentFailed, match=r"(?s)stream ended with exit code 1.*no such topic"):
        embedded.start(options)
    assert process.members(home) == []


def test_a_start_and_a_stop_that_meet_both_say_so(home: Home, config: Path):
    command = [*ECOM, "up", "-d", "--only", "postgres", "--config", str(config)]
    starting = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=ROOT)
    until(lambda: embedded.load(home) is not None, "the supervisor has begun", poll_s=0.01)
    assert ecom("down").stdout.startswith("stopped ")
    _, said = starting.communicate(timeout=60)
    assert starting.returncode == 1
    assert "error: it was stopped before everything was up" in said
    assert process.members(home) == []


def test_mistakes_are_told_in_a_line(home: Home, config: Path):
    config.write_text("[kafka]\nprot = 9092\n")
    answer = ecom("up", "-d", "--config", str(config), expect=1)
    assert answer.stderr.startswith("error: kafka.prot: unknown key")
    assert "Traceback" not in answer.stderr
    assert "run `ecom up`" in ecom("env", expect=1).stderr


def test_a_folder_with_other_files_is_neither_used_nor_removed(home: Home):
    home.root.mkdir()
    (home.root / "thesis.txt").touch()
    assert "not empty" in ecom("up", "-d", expect=1).stderr
    assert "was not made by" in ecom("down", "--wipe", "--yes", expect=1).stderr
    assert [path.name for path in home.root.iterdir()] == ["thesis.txt"]
