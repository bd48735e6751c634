"""A stack of AWS is none for `ecom`, whose commands ask nothing, preview nothing and talk to Docker."""

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.main import app, expected
from cli.stack.place import place_of

COMMANDS = [
    ("up",),
    ("up", "--set", "kafkaPartitions=8"),
    ("down",),
    ("down", "--wipe", "--yes"),
    ("status",),
    ("logs", "metabase"),
    ("secrets", "list"),
    ("secrets", "rotate"),
    ("backup", "copy"),
    ("restore", ".", "--yes"),
    ("dlq", "list"),
    ("produce", "--count", "1"),
    ("verify",),
]


def run(stack: str, *words: str) -> Any:
    return CliRunner().invoke(app, ["--stack", stack, *words])


def refused(result: Any) -> str:
    assert result.exit_code != 0
    assert expected(result.exception), result.exception
    return str(result.exception)


@pytest.fixture
def nothing_ran(bin_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Whatever a test does, neither pulumi nor docker is called, and no state is made."""
    monkeypatch.setattr("cli.stack.environment.REPOSITORY", tmp_path)
    yield tmp_path
    assert not (bin_folder / "calls").exists()
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_it_is_refused_with_a_line_that_says_where_to_read(words, nothing_ran):
    said = refused(run("aws", *words))
    assert said.startswith("the stack aws is of the environment aws, and this command is for Docker's")
    assert "docs/aws.md" in said
    assert "\n" not in said


@pytest.mark.parametrize("name", ["aws-prod", "me/ecom/aws"])
def test_the_name_says_so(name, nothing_ran):
    assert "of the environment aws" in refused(run(name, "down"))


def test_or_the_committed_configuration(nothing_ran):
    (nothing_ran / "Pulumi.prod.yaml").write_text("config:\n  ecom:environment: aws\n")
    assert "the stack prod is of the environment aws" in refused(run("prod", "up"))


def test_or_what_is_set_with_this_very_command(nothing_ran):
    assert "of the environment aws" in refused(run("prod", "up", "--set", "environment=aws"))


def test_an_environment_that_there_is_not_is_named(nothing_ran):
    said = refused(run("prod", "up", "--set", "environment=azure"))
    assert said == "ecom:environment = 'azure' (read from the stack prod): allowed are local, aws"


def test_pulumis_own_command_is_passed_on_with_its_own_questions(bin_folder):
    assert run("aws", "pulumi", "preview").exit_code == 0
    assert "pulumi preview --stack aws" in (bin_folder / "calls").read_text()


@pytest.mark.usefixtures("stack_is_up")
def test_a_stack_of_dockers_may_be_called_like_aws(bin_folder):
    place_of("aws-like").make()
    place_of("aws-like").keep({"environment": "local"})
    assert run("aws-like", "secrets", "list").exit_code == 0
