"""What tasks on Fargate run is in their image: copied by the Dockerfile, and not kept from it."""

import fnmatch
import json
import re
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from environments.aws.bundle import CERTIFICATES, REPOSITORY
from environments.aws.one_off import TASKS
from environments.aws.registry import DOCKERFILE, PARTS, tag
from tests.unit.aws_mocks import config, made

IMAGE = REPOSITORY / "environments" / "aws" / "image"
HOME = PurePosixPath("/opt/ecom")


def copied(stage: str) -> dict[PurePosixPath, PurePosixPath]:
    """Return what a stage of the Dockerfile copies out of the repository: where it is found, by its place."""
    lines = (REPOSITORY / DOCKERFILE).read_text(encoding="utf-8").splitlines()
    begin = next(number for number, line in enumerate(lines) if line.endswith(f" AS {stage}"))
    later = (number for number, line in enumerate(lines) if number > begin and line.startswith("FROM "))
    end = next(later, len(lines))
    found = {}
    for line in lines[begin:end]:
        if line.startswith("COPY ") and "--from" not in line:
            *sources, target = line.split()[1:]
            for source in sources:
                place = PurePosixPath(target) / Path(source).name if target.endswith("/") else target
                found[PurePosixPath(source)] = PurePosixPath(place)
    return found


def ignored(path: PurePosixPath) -> bool:
    """Tell whether .dockerignore keeps a file from the build: the last line about it or a folder decides."""
    answer = False
    for line in (REPOSITORY / ".dockerignore").read_text(encoding="utf-8").splitlines():
        pattern = line.strip().removeprefix("!")
        if pattern and not pattern.startswith("#"):
            names = [str(part) for part in (path, *path.parents)]
            names += [Path(name).name for name in names] if pattern.startswith("**/") else []
            if any(fnmatch.fnmatch(name, pattern.removeprefix("**/")) for name in names):
                answer = not line.startswith("!")
    return answer


def files_of(module: str) -> list[PurePosixPath]:
    """Return what `python -m` of a package or a module needs at least, in the repository."""
    place = PurePosixPath(*module.split("."))
    program = place / "__main__.py" if (REPOSITORY / place).is_dir() else place.with_suffix(".py")
    packages = [folder / "__init__.py" for folder in program.parents if folder != PurePosixPath()]
    return [program, *packages]


@pytest.fixture(scope="module")
def tasks(tmp_path_factory) -> list[dict[str, Any]]:
    recorder = made(config(tmp_path_factory.mktemp("artifacts"), producer="true"))
    return [
        json.loads(inputs["containerDefinitions"])[0] for inputs in recorder.of("TaskDefinition").values()
    ]


@pytest.fixture(scope="module")
def modules(tasks) -> set[str]:
    commands = [task["command"] for task in tasks if "command" in task]
    return {command[command.index("-m") + 1] for command in commands}


def test_every_command_of_a_task_is_in_its_image(modules):
    assert modules == {"environments.aws.setup", "dashboards.metabase", "producer", "cli"}
    modules = modules | {kind.command[-1] for kind in TASKS.values() if kind.command}
    sources = copied("code") | copied("tools")
    for path in [path for module in modules for path in files_of(module)]:
        assert (REPOSITORY / path).is_file()
        from_where = [source for source in sources if source == path or source in path.parents]
        assert from_where, f"{DOCKERFILE} does not copy {path}"
        assert not ignored(path), f".dockerignore keeps {path} from the image"
        assert sources[from_where[0]] / path.relative_to(from_where[0]) == HOME / path


def test_what_a_read_only_task_writes_to_is_a_volume_of_its_image(tasks):
    text = (IMAGE / "Dockerfile").read_text(encoding="utf-8")
    mounted = {mount["containerPath"] for task in tasks for mount in task.get("mountPoints", ())}
    assert mounted == set(re.findall("^VOLUME (.*)$", text, re.MULTILINE)) == {"/tmp"}  # noqa: S108 - there


def test_the_tag_is_of_what_the_dockerfiles_take():
    taken = {str(path) for path in (*copied("packages"), *copied("jars"), *copied("code"), *copied("tools"))}
    own = {"environments/aws/image", "environments/local/image/fetch_jars.sh"}
    assert taken - own == set(PARTS) - own
    (last,) = re.findall("^COPY (.*) /", (IMAGE / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    assert last == CERTIFICATES


def test_the_tag_is_another_if_something_that_is_taken_is_and_only_then(tmp_path, monkeypatch):
    certificates = tmp_path / CERTIFICATES
    certificates.write_text("one", encoding="utf-8")
    monkeypatch.setattr("environments.aws.bundle.REPOSITORY", tmp_path)
    (tmp_path / "pipeline").mkdir()
    tags = [tag(certificates)]
    for name in ("pipeline/.mypy_cache/a.json", "pipeline/__pycache__/a.pyc", "environments/aws/stack.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert tag(certificates) == tags[0]
    (tmp_path / "pipeline" / "a.py").touch()
    tags.append(tag(certificates))
    certificates.write_text("two", encoding="utf-8")
    assert len({*tags, tag(certificates)}) == 3


def test_the_rest_of_the_environment_stays_out():
    assert ignored(PurePosixPath("environments/aws/stack.py"))
    assert ignored(PurePosixPath("tests/conftest.py"))
    assert ignored(PurePosixPath("pipeline/__pycache__/settings.pyc"))
    assert ignored(PurePosixPath("pipeline/.mypy_cache/a.json"))
    assert not ignored(PurePosixPath("pipeline/settings.py"))
