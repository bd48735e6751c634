"""`make toolchain`: what is on this machine wins if its version fits, what is missing is built once."""

import importlib.metadata
import json
import os
import subprocess
from pathlib import Path

import pytest

from toolchain import __main__ as command
from toolchain import build, choice, pins
from toolchain.pins import DOCKER, LANGUAGE_HOST, PULUMI, RANDOM, TOOLS, Tool, ToolchainError


def program(folder: Path, name: str, says: str = "", code: int = 0) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\necho '{says}'\nexit {code}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with nothing on it: `bin` is its PATH, `cache` what was built earlier."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path / "pulumi"))
    monkeypatch.setattr(command, "cache", lambda: tmp_path / "cache")
    return tmp_path


def found(machine: Path, tool: Tool) -> choice.Found:
    return next(item for item in choice.find(machine / "cache") if item.tool is tool)


@pytest.mark.parametrize("printed", ["v3.250.0", "v3.301.4", "3.250.1-dev"])
def test_a_cli_on_path_that_is_new_enough_is_used(printed, machine):
    path = program(machine / "bin", "pulumi", printed)
    program(machine / "cache", "pulumi", "v3.250.0")
    assert found(machine, PULUMI) == choice.Found(PULUMI, path, "on PATH")


@pytest.mark.parametrize("printed", ["v3.249.9", "v4.0.0", "v2.25.2", ""])
def test_a_cli_of_another_version_is_not_used_and_told(printed, machine):
    path = program(machine / "bin", "pulumi", printed)
    assert found(machine, PULUMI) == choice.Found(PULUMI, None, f"{path} is version {printed}")
    built = program(machine / "cache", "pulumi", "v3.250.0")
    assert found(machine, PULUMI).path == built


def test_a_program_that_fails_does_not_tell_its_version(machine):
    path = program(machine / "bin", "pulumi", "v3.250.0", code=1)
    assert found(machine, PULUMI).why == f"{path} does not tell its version"


@pytest.mark.parametrize(("printed", "fits"), [(DOCKER.version, True), ("5.9.0", False), ("4.0.0", False)])
def test_a_plugin_must_be_of_the_very_version_that_pulumi_asks_for(printed, fits, machine):
    program(machine / "bin", DOCKER.name, printed)
    assert (found(machine, DOCKER).path is not None) is fits


def test_a_plugin_that_pulumi_has_is_found(machine):
    folder = machine / "pulumi" / "plugins" / f"resource-random-v{RANDOM.version}"
    assert found(machine, RANDOM).path is None
    path = program(folder, RANDOM.name)
    assert found(machine, RANDOM) == choice.Found(RANDOM, path, "a plugin of Pulumi's")


def test_the_plugins_are_those_of_the_python_packages():
    for tool, package in ((DOCKER, "pulumi-docker"), (RANDOM, "pulumi-random")):
        assert tool.version == importlib.metadata.version(package)


def test_every_program_is_pinned_with_its_checksums():
    for tool in TOOLS:
        module = (tool.source / "go.mod").read_text(encoding="utf-8")
        sums = (tool.source / "go.sum").read_text(encoding="utf-8")
        assert "// indirect" in module, tool.name
        assert len(sums.splitlines()) > 100, tool.name
    assert f"github.com/pulumi/pulumi/pkg/v3 v{PULUMI.version}" in (PULUMI.source / "go.mod").read_text()
    host = (LANGUAGE_HOST.source / "go.mod").read_text()
    assert f"github.com/pulumi/pulumi/sdk/v3 v{LANGUAGE_HOST.version}" in host


def test_the_cache_folder_follows_the_pins(monkeypatch, tmp_path):
    before = pins.digest()
    assert before == pins.digest()
    copy = tmp_path / "toolchain"
    subprocess.run(["cp", "-r", str(pins.FOLDER), str(copy)], check=True)
    monkeypatch.setattr(pins, "FOLDER", copy)
    assert pins.digest() == before
    with (copy / PULUMI.name / "go.sum").open("a") as sums:
        sums.write("\n")
    assert pins.digest() != before


class TestCommand:
    """The command with a stand-in for the build, which test-stack does in earnest."""

    @pytest.fixture(autouse=True)
    def builds(self, machine, monkeypatch) -> list[str]:
        done: list[str] = []

        def stand_in(tool: Tool, go: str, target: Path, say: build.Say) -> None:
            program(target, tool.name, tool.version)
            done.append(tool.name)

        monkeypatch.setattr(command, "build", stand_in)
        return done

    @pytest.fixture
    def go(self, machine) -> Path:
        return program(machine / "bin", "go", "go1.26.8")

    def test_what_is_missing_is_built_once(self, go, machine, builds, capsys):
        program(machine / "bin", "pulumi", "v3.260.0")
        assert command.main(["--json"]) == 0
        assert builds == [LANGUAGE_HOST.name, DOCKER.name, RANDOM.name]
        answer = json.loads(capsys.readouterr().out)
        assert answer["path"] == os.pathsep.join([str(machine / "cache"), str(machine / "bin")])
        assert answer["tools"]["pulumi"]["from"] == "on PATH"
        assert command.main(["--path"]) == 0
        assert len(builds) == 3
        assert capsys.readouterr().out.strip() == answer["path"]

    def test_a_shell_can_read_the_answer(self, go, machine, capsys):
        assert command.main([]) == 0
        answer = capsys.readouterr()
        assert answer.out == f'export PATH="{machine}/cache:{machine}/bin"\n'
        assert answer.err.count(" of 4 (not on PATH)") == 4

    def test_only_looking_builds_nothing_and_names_what_is_missing(self, go, builds, capsys):
        assert command.main(["--find"]) == 1
        assert builds == []
        error = capsys.readouterr().err
        assert error.count("\n") == 1
        assert f"missing: pulumi {PULUMI.version} (not on PATH)" in error
        assert "`make toolchain`" in error

    def test_without_go_there_is_one_line(self, builds, capsys):
        assert command.main([]) == 1
        assert builds == []
        error = capsys.readouterr().err
        assert error.startswith(
            "toolchain: error: building needs Go 1.21 or newer, and there is no `go` on PATH"
        )
        assert error.count("\n") == 1

    def test_an_old_go_is_refused_and_named(self, machine, capsys):
        path = program(machine / "bin", "go", "go1.19.8")
        assert command.main([]) == 1
        assert f"{path} is go1.19.8" in capsys.readouterr().err

    def test_go_is_not_needed_where_nothing_is_missing(self, machine, capsys):
        for tool in TOOLS:
            program(machine / "cache", tool.name, tool.version)
        assert command.main(["--path"]) == 0


def test_a_build_that_fails_leaves_nothing_and_tells_gos_last_word(machine, tmp_path):
    go = program(machine / "bin", "go")
    go.write_text(
        "#!/bin/sh\necho some/package >&2\necho 'main.go:1: broken' >&2\nexit 1\n", encoding="utf-8"
    )
    with pytest.raises(ToolchainError, match=r"^pulumi 3\.250\.0 could not be built: main\.go:1: broken$"):
        build.build(PULUMI, str(go), tmp_path / "cache" / "bin", lambda _: None)
    assert not any((tmp_path / "cache" / "bin").iterdir())


def test_a_build_brings_the_scripts_that_lie_beside_the_program(machine, tmp_path):
    module = tmp_path / "module"
    program(module / "python" / "cmd", "pulumi-language-python-exec")
    script = (
        f'#!/bin/sh\n[ "$1" = list ] && echo {module} && exit\n'
        'while [ "$1" != -o ]; do shift; done\necho built > "$2"\n'
    )
    go = program(machine / "bin", "go")
    go.write_text(script, encoding="utf-8")
    build.build(LANGUAGE_HOST, str(go), tmp_path / "cache" / "bin", lambda _: None)
    names = sorted(path.name for path in (tmp_path / "cache" / "bin").iterdir())
    assert names == ["pulumi-language-python", "pulumi-language-python-exec"]
    assert os.access(tmp_path / "cache" / "bin" / "pulumi-language-python-exec", os.X_OK)
