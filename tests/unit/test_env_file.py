"""The variables in a file: what the environment writes is what a command reads, or it says what is wrong."""

import os
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app
from environments.embedded.home import Home
from environments.embedded.platform import write_env_file
from infra.platform import StorageEndpoint
from pipeline.settings import ALL_SETTINGS, PostgresSettings, SettingsError, StorageSettings, load
from tests.unit.sample_platform import sample_platform


def env_file(path: Path, variables: dict[str, str]) -> Path:
    path.write_text("".join(f"{name}={value}\n" for name, value in variables.items()), encoding="utf-8")
    return path


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [name for name in os.environ if name.startswith("ECOM_")]:
        monkeypatch.delenv(name)
    path = env_file(tmp_path / "platform.env", sample_platform().as_env())
    monkeypatch.setenv("ECOM_ENV_FILE", str(path))
    return path


@pytest.mark.parametrize("kind", ALL_SETTINGS)
def test_it_is_read(kind, path):
    assert load(kind).model_dump()


def test_the_process_environment_wins(path, monkeypatch):
    monkeypatch.setenv("ECOM_POSTGRES_PORT", "6543")
    assert load(PostgresSettings).port == 6543


def test_a_wrong_value_names_the_file(path):
    env_file(path, sample_platform().as_env() | {"ECOM_POSTGRES_PORT": "many"})
    with pytest.raises(SettingsError) as caught:
        load(PostgresSettings)
    assert str(caught.value).startswith(f"ECOM_POSTGRES_PORT='many' (from {path}): ")


def test_a_wrong_value_of_the_environment_is_not_blamed_on_the_file(path, monkeypatch):
    monkeypatch.setenv("ECOM_POSTGRES_PORT", "many")
    with pytest.raises(SettingsError, match="from the process environment"):
        load(PostgresSettings)


def test_a_missing_variable_names_both_places(path):
    env_file(path, {})
    with pytest.raises(SettingsError) as caught:
        load(StorageSettings)
    assert f"looked in the process environment and {path}" in str(caught.value)


@pytest.mark.parametrize(
    "folder", ["x y #z", "${HOME}/$USER", "a'b\"c", "'quoted'", "export A=b", "back\\\\n "]
)
def test_what_the_environment_writes_is_read_back_to_the_letter(folder, path, monkeypatch):
    platform = sample_platform(Path("/home") / folder)
    platform = platform.model_copy(update={"storage": StorageEndpoint(checkpoints=f"file:/{folder}")})
    monkeypatch.setenv("ECOM_HOME", str(path.parent))
    write_env_file(Home(path.parent), platform)
    assert load(PostgresSettings).etl_password_ref == f"file:/home/{folder}/etl"
    assert load(StorageSettings).checkpoints == f"file:/{folder}"
    shell = CliRunner().invoke(app, ["env", "--export"]).stdout
    said = subprocess.run(
        ["sh", "-c", f'{shell}\nprintf %s "$ECOM_STORAGE_CHECKPOINTS"'],
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout == f"file:/{folder}"


def test_comments_and_blank_lines_are_passed_over(path):
    path.write_text(f"# mine\n\n{path.read_text()}")
    assert load(PostgresSettings).port == 5432


@pytest.mark.parametrize("spoil", [Path.unlink, lambda path: path.write_bytes(b"\xff\xfe=1")])
def test_a_file_that_cannot_be_read_is_named(spoil, path):
    spoil(path)
    with pytest.raises(SettingsError) as caught:
        load(PostgresSettings)
    assert str(caught.value).startswith(f"ECOM_ENV_FILE={str(path)!r}: cannot be read")
