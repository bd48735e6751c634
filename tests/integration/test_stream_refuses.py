"""What the streaming job can't start with is told in clear lines, with exit code 1 and no traceback."""

import os
from pathlib import Path

import pytest

from infra.platform import Platform
from pipeline.settings import KafkaSettings, PostgresSettings
from tests.integration.commits import commit, valid
from tests.integration.samples import event
from tests.integration.streaming import JOB, WITHOUT_SPARK, Env, environment, started, wait_until


def errors(log: Path) -> list[str]:
    """Return what is not a log line of ours or of Spark's."""
    text = log.read_text(encoding="utf-8")
    assert "Traceback" not in text
    return [line for line in text.splitlines() if line.startswith(("error:", "ECOM_"))]


def ended(env: Env, log: Path, program: tuple[str, ...] = JOB) -> list[str]:
    with started(env, log, program) as process:
        assert process.wait(120) == 1
    return errors(log)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"ECOM_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"}, "Kafka at 127.0.0.1:1 is not available"),
        ({"ECOM_POSTGRES_PORT": "1"}, "PostgreSQL at 127.0.0.1:1/"),
        ({"ECOM_KAFKA_ORDERS_TOPIC": "absent"}, "topic absent does not exist"),
        ({}, "/0 ends at offset 0, but 3 offsets of it are committed"),
    ],
    ids=["no broker", "no server", "no topic", "lost offsets"],
)
def test_what_is_missing_is_one_line(
    platform: Platform,
    database: PostgresSettings,
    kafka: KafkaSettings,
    empty_topic: str,
    tmp_path: Path,
    changes: Env,
    said: str,
):
    # 3 offsets are committed of a topic that is empty: it was deleted and made again.
    commit(database, [valid(event(number)) for number in range(3)], topic=empty_topic)
    own = kafka.model_copy(update={"orders_topic": empty_topic})
    env = environment(platform.as_env(), database, own, tmp_path) | {"ECOM_STREAM_GIVE_UP_AFTER_S": "1"}
    (line,) = ended(env | changes, tmp_path / "log", WITHOUT_SPARK)
    assert line.startswith("error: ")
    assert said in line
    assert not (tmp_path / "ready").exists()


@pytest.mark.parametrize(
    ("changes", "lines"),
    [
        (
            {"ECOM_POSTGRES_PORT": "many", "ECOM_POSTGRES_SSLMODE": "maybe"},
            ["error: ECOM_POSTGRES_PORT='many' (from", "ECOM_POSTGRES_SSLMODE='maybe' (from"],
        ),
        ({"ECOM_KAFKA_BOOTSTRAP_SERVERS": "nowhere"}, ["error: ECOM_KAFKA_BOOTSTRAP_SERVERS='nowhere'"]),
        ({"ECOM_STREAM_TRIGGER_INTERVAL_MS": "-1"}, ["error: ECOM_STREAM_TRIGGER_INTERVAL_MS='-1'"]),
        ({"ECOM_SPARK_DRIVER_MEMORY": "lots"}, ["error: ECOM_SPARK_DRIVER_MEMORY='lots'"]),
        ({"ECOM_STREAM_GIVE_UP_AFTER_S": "soon"}, ["error: ECOM_STREAM_GIVE_UP_AFTER_S='soon'"]),
    ],
)
def test_wrong_settings_are_named_a_line_each(
    platform: Platform, tmp_path: Path, changes: Env, lines: list[str]
):
    env = {**os.environ, **platform.as_env(), **changes}
    found = ended(env, tmp_path / "log")
    assert len(found) == len(lines)
    assert all(line.startswith(start) for line, start in zip(found, lines, strict=True))


def test_nothing_set_names_every_variable(tmp_path: Path):
    bare = {name: value for name, value in os.environ.items() if not name.startswith("ECOM_")}
    found = ended(bare, tmp_path / "log")
    assert found[0].startswith("error: ECOM_POSTGRES_HOST is not set")
    assert all("is not set" in line for line in found)


def test_a_stop_while_it_waits_for_a_topic_is_no_failure(
    platform: Platform, database: PostgresSettings, kafka: KafkaSettings, tmp_path: Path
):
    log = tmp_path / "log"
    env = environment(platform.as_env(), database, kafka, tmp_path) | {"ECOM_KAFKA_ORDERS_TOPIC": "absent"}
    with started(env, log, WITHOUT_SPARK) as process:
        wait_until(lambda: "waiting: topic absent does not exist" in log.read_text(), process, log)
        process.terminate()
        # Well below the 60 s after which it would give up with exit code 1.
        assert process.wait(30) == 0
    assert "Traceback" not in log.read_text(encoding="utf-8")
