"""Which platform a command works on, and that it is said where a shell's leftovers change it."""

import os
from pathlib import Path

import pytest

from cli.context import use_platform
from environments.embedded import EnvironmentFailed
from environments.embedded.home import Home
from environments.embedded.platform import write_env_file
from environments.embedded.process import Identity
from environments.embedded.state import State, save
from pipeline.settings import KafkaSettings, PostgresSettings, load
from tests.unit.sample_platform import sample_platform

PLATFORM = sample_platform()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A home in which, by its state file, an environment runs: this process."""
    for name in [name for name in os.environ if name.startswith("ECOM_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("ECOM_HOME", str(tmp_path))
    # Set by the code under test: monkeypatch must know it to take it away again.
    monkeypatch.setenv("ECOM_ENV_FILE", "")
    found = Home(tmp_path)
    state = State(phase="up", supervisor=Identity.of(os.getpid()), started_at=0, platform=PLATFORM)
    save(found, state)
    write_env_file(found, PLATFORM)
    return found


def test_the_running_environment_is_found_without_a_word(capsys: pytest.CaptureFixture[str]):
    use_platform()
    assert load(PostgresSettings).port == 5432
    assert capsys.readouterr() == ("", "")


def test_leftover_variables_win_and_are_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("ECOM_POSTGRES_PORT", "6543")
    monkeypatch.setenv("ECOM_KAFKA_ORDERS_TOPIC", "orders")
    use_platform()
    assert (load(PostgresSettings).port, load(KafkaSettings).orders_topic) == (6543, "orders")
    said = "note: not the environment that runs here: ECOM_POSTGRES_PORT=6543 (not 5432)\n"
    assert capsys.readouterr() == ("", said)


def test_another_platforms_file_is_used_and_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    other = tmp_path / "other.env"
    kafka = PLATFORM.kafka.model_copy(update={"bootstrap_servers": "broker:9092"})
    lines = PLATFORM.model_copy(update={"kafka": kafka}).as_env().items()
    other.write_text("\n".join(f"{name}={value}" for name, value in lines))
    monkeypatch.setenv("ECOM_ENV_FILE", str(other))
    use_platform()
    assert load(KafkaSettings).bootstrap_servers == "broker:9092"
    assert "ECOM_KAFKA_BOOTSTRAP_SERVERS=broker:9092 (not 127.0.0.1:9092)\n" in capsys.readouterr().err


def test_the_running_environments_own_variables_need_no_word(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    for name, value in PLATFORM.as_env().items():
        monkeypatch.setenv(name, value)
    use_platform()
    assert capsys.readouterr() == ("", "")


def test_without_a_running_environment_the_variables_are_all_there_is(
    home: Home, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    home.state_file.unlink()
    with pytest.raises(EnvironmentFailed, match="run `ecom up`"):
        use_platform()
    monkeypatch.setenv("ECOM_POSTGRES_HOST", "elsewhere")
    use_platform()
    assert capsys.readouterr() == ("", "")
