"""`ecom demo` as a process: where it writes, and that a stop signal stops it, also while it sends."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest
from kafka import KafkaConsumer, TopicPartition

from environments import embedded
from environments.embedded import process
from environments.embedded.home import REPOSITORY, Home
from infra.platform import Platform
from tests.conftest import make_home, write_config

DEMO = [sys.executable, "-c", "from cli.main import run; run()", "demo", "--exit", "--rate", "100"]
LIMIT_S = 300


@pytest.fixture
def home() -> Iterator[Home]:
    found = Home(make_home())
    yield found
    embedded.stop(found)
    assert process.members(found) == []
    shutil.rmtree(found.root.parent)


def start(home: Home, output: Path, **variables: str) -> "subprocess.Popen[bytes]":
    env = {name: value for name, value in os.environ.items() if not name.startswith("ECOM_")}
    with output.open("wb") as file:
        return subprocess.Popen(
            DEMO,
            env={**env, "ECOM_HOME": str(home.root), **variables},
            stdout=file,
            stderr=file,
            cwd=REPOSITORY,
            start_new_session=True,
        )


def messages(platform: Platform) -> int:
    """Return how many messages the orders topic holds."""
    topic = platform.kafka.orders_topic
    with closing(
        KafkaConsumer(bootstrap_servers=platform.kafka.bootstrap_servers, enable_auto_commit=False)
    ) as consumer:
        places = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic)]
        return sum(int(end) for end in consumer.end_offsets(places).values())


def wait_until_it_sends(platform: Platform, held: int, demo: "subprocess.Popen[bytes]") -> None:
    """Return once the topic holds more than the `held` messages of before."""
    limit = time.monotonic() + LIMIT_S
    while messages(platform) <= held:
        assert demo.poll() is None, "the demo ended before it sent anything"
        assert time.monotonic() < limit, f"the demo sent nothing in {LIMIT_S} s"


def ended(demo: "subprocess.Popen[bytes]", output: Path) -> str:
    """Return what was said by a demo that must end by itself now."""
    try:
        demo.wait(60)
    finally:
        demo.kill()
    text = output.read_text(encoding="utf-8")
    assert "Traceback" not in text
    return text


def test_in_a_running_environment_it_writes_there_and_a_stop_signal_ends_only_the_demo(
    home: Home, tmp_path: Path
):
    config = write_config(home.root.parent)
    output = tmp_path / "out"
    with embedded.running(home.root, config, services=("postgres", "kafka")) as platform:
        for stop in (signal.SIGTERM, signal.SIGHUP):
            # Left over in this shell from another platform: nothing listens there.
            stale = {"ECOM_POSTGRES_PORT": "1", "ECOM_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"}
            held = messages(platform)
            demo = start(home, output, **stale)
            wait_until_it_sends(platform, held, demo)
            demo.send_signal(stop)
            text = ended(demo, output)
            assert demo.returncode == 128 + stop, text
            assert f"interrupted by {stop.name}: " in text
            assert "of 20,000 messages were acknowledged, nothing was checked" in " ".join(text.split())
            state = embedded.load(home)
            assert state is not None
            assert state.healthy
        with (
            closing(
                psycopg2.connect(
                    host=platform.postgres.host,
                    port=platform.postgres.port,
                    dbname=platform.postgres.database,
                    user=platform.postgres.admin_user,
                    password=(home.secrets / "admin").read_text().strip(),
                )
            ) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute("SELECT count(*) > 0 FROM raw.orders WHERE source = 'seed'")
            assert cursor.fetchone() == (True,)


def test_a_stop_signal_while_it_sends_stops_what_it_started(home: Home, tmp_path: Path):
    output = tmp_path / "out"
    demo = start(home, output)
    limit = time.monotonic() + LIMIT_S
    while (state := embedded.load(home)) is None or state.phase != "up":
        assert demo.poll() is None, output.read_text(encoding="utf-8")
        assert time.monotonic() < limit, "it did not come up"
        with pytest.raises(subprocess.TimeoutExpired):
            demo.wait(0.1)
    assert state.platform is not None
    wait_until_it_sends(state.platform, 0, demo)
    demo.send_signal(signal.SIGINT)
    text = ended(demo, output)
    assert demo.returncode == 130, text
    assert "interrupted by SIGINT" in text
    assert "stopping everything" in text
    assert process.members(home) == []
