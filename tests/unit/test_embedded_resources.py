"""Ports, passwords, Java and jars of the embedded environment."""

import socket
import stat
from pathlib import Path

import pytest

from environments.embedded import ivy, jars, java, kafka, ports, secret_files
from environments.embedded.errors import EnvironmentFailed
from environments.embedded.home import Home
from infra.config import PlatformConfig
from infra.topics import topics


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_the_wished_port_is_taken_if_free():
    free = ports.any_free()
    assert ports.choose({"postgres": free}, {}) == {"postgres": free}


def test_the_port_of_the_last_run_wins_over_the_wish():
    last, wish = ports.any_free(), ports.any_free()
    assert ports.choose({"postgres": wish}, {"postgres": last}) == {"postgres": last}


def test_a_busy_port_is_replaced(listener: int):
    chosen = ports.choose({"postgres": listener}, {"postgres": listener})
    assert chosen["postgres"] != listener
    assert ports.is_free(chosen["postgres"])
    assert ports.answers(listener)


def test_a_listener_on_all_addresses_counts_as_busy():
    with socket.create_server(("0.0.0.0", 0)) as server:  # noqa: S104 - what is tested
        assert not ports.is_free(server.getsockname()[1])


def test_no_two_services_share_a_port():
    free = ports.any_free()
    chosen = ports.choose({"a": free, "b": free, "c": free}, {})
    assert len(set(chosen.values())) == 3


def test_passwords_are_private_distinct_and_never_made_anew(tmp_path: Path):
    home = Home(tmp_path)
    secret_files.ensure_secrets(home, data_exists=False)
    first = {role: secret_files.read_secret(home, role) for role in secret_files.ROLES}
    assert len(set(first.values())) == 4
    assert stat.S_IMODE(home.secrets.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in home.secrets.iterdir()} == {0o600}
    secret_files.ensure_secrets(home, data_exists=True)
    assert {role: secret_files.read_secret(home, role) for role in secret_files.ROLES} == first


def test_a_lost_admin_password_is_told_and_not_replaced(tmp_path: Path):
    home = Home(tmp_path)
    with pytest.raises(EnvironmentFailed, match=r"admin is missing, but its database exists.*--wipe"):
        secret_files.ensure_secrets(home, data_exists=True)
    assert list(home.secrets.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "version"),
    [('openjdk version "17.0.15" 2025-04-15', 17), ('java version "1.8.0_402"', 8), ("no java here", None)],
)
def test_java_versions(text: str, version: int | None):
    assert java.major_version(text) == version


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("echo 'openjdk version \"11.0.2\"' >&2", "is Java 11: install Java 17"),
        (None, "no `java` in JAVA_HOME"),
    ],
)
def test_a_missing_or_old_java_is_told_in_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str | None, message: str
):
    if script:
        (tmp_path / "bin").mkdir()
        (tmp_path / "bin" / "java").write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "bin" / "java").chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    java.java.cache_clear()
    try:
        with pytest.raises(EnvironmentFailed, match=message):
            java.java()
    finally:
        java.java.cache_clear()


def test_an_unreachable_repository_is_told_in_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ECOM_CACHE", str(tmp_path))
    monkeypatch.setenv("ECOM_MAVEN_REPOSITORY", f"http://127.0.0.1:{ports.any_free()}/")
    monkeypatch.setattr(jars, "_ATTEMPTS", 1)
    with pytest.raises(
        EnvironmentFailed, match=r"could not fetch the kafka jars from http://127\.0\.0\.1"
    ) as told:
        jars.kafka_jars()
    assert "\n" not in str(told.value)
    assert not jars.KAFKA.folder.exists()
    assert list((tmp_path / "jars").iterdir()) == []


def test_a_mirrors_password_is_printed_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ECOM_CACHE", str(tmp_path))
    address = f"127.0.0.1:{ports.any_free()}/maven2/"
    monkeypatch.setenv("ECOM_MAVEN_REPOSITORY", f"http://somebody:hunter2@{address}")
    monkeypatch.setattr(jars, "_ATTEMPTS", 1)
    said: list[str] = []
    with pytest.raises(EnvironmentFailed) as told:
        jars.kafka_jars(said.append)
    for text in (str(told.value), *said):
        assert f"http://***@{address}" in text
        assert "hunter2" not in text
        assert "somebody" not in text


def test_what_ivy_says_of_a_mirror_is_printed_without_its_password():
    output = "\tServer access error at url https://u:hunter2@m.example/a.pom (java.io.IOException: Exception)"
    assert "https://***@m.example/a.pom" in ivy.explain_ivy(output)
    assert "hunter2" not in ivy.explain_ivy(output)
    assert ivy.redacted("https://m.example/a@b") == "https://***@b"
    assert ivy.redacted("no address, me@example.com") == "no address, me@example.com"


def test_jar_names_without_their_versions():
    assert jars.module_name(Path("spark-sql-kafka-0-10_2.13-4.1.1.jar")) == "spark-sql-kafka-0-10_2.13"
    assert jars.module_name(Path("slf4j-api-2.0.17.jar")) == "slf4j-api"


def test_the_dlq_has_room_for_what_it_adds():
    config = PlatformConfig()
    limits = {
        topic.name: int(topic.configs["max.message.bytes"])
        for topic in topics(kafka.endpoint(config, 9092), config.kafka)
    }
    assert set(limits) == {"orders", "orders_dlq"}
    assert limits["orders_dlq"] > limits["orders"] == config.kafka.max_message_bytes
    cleaned = PlatformConfig.from_mapping({"kafka": {"cleaned_topic": True}}, "test")
    named = [topic.name for topic in topics(kafka.endpoint(cleaned, 9092), cleaned.kafka)]
    assert "orders_cleaned" in named
