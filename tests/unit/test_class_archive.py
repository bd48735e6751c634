"""The archive of Spark's classes: used where it is, made once, and never needed."""

import subprocess
import sys
from pathlib import Path

import pytest

from environments.embedded import class_archive, ivy


@pytest.fixture
def venv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    return tmp_path


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The archives that were asked for; each is written at once."""
    asked: list[Path] = []

    def train(made: Path) -> None:
        asked.append(made)
        made.write_text("classes", encoding="utf-8")

    monkeypatch.setattr(class_archive, "_train", train)
    return asked


def test_it_is_made_once_and_then_used(venv: Path, trained: list[Path]):
    assert class_archive.jvm_options() == ""
    said: list[str] = []
    class_archive.make(said.append)
    class_archive.make(said.append)
    assert len(trained) == len(said) == 1
    assert [path.name for path in venv.iterdir()] == [class_archive.path().name]
    assert class_archive.jvm_options() == f'"-XX:SharedArchiveFile={class_archive.path()}"'


def test_other_jars_get_another_one_and_the_old_goes(
    venv: Path, trained: list[Path], monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
):
    class_archive.make(lambda _: None)
    first = class_archive.path()
    jars = tmp_path_factory.mktemp("jars")
    (jars / "spark.jar").touch()
    monkeypatch.setattr(ivy, "pyspark_jars", lambda: jars)
    assert class_archive.jvm_options() == ""
    class_archive.make(lambda _: None)
    assert class_archive.path() != first
    assert list(venv.iterdir()) == [class_archive.path()]


def test_without_one_the_reason_is_said_and_nothing_is_left(venv: Path, monkeypatch: pytest.MonkeyPatch):
    def fail(made: Path) -> None:
        raise subprocess.CalledProcessError(1, "python")

    monkeypatch.setattr(class_archive, "_train", fail)
    said: list[str] = []
    class_archive.make(said.append)
    assert "its starts stay slow: Command 'python'" in said[-1]
    assert list(venv.iterdir()) == []
    assert class_archive.jvm_options() == ""
