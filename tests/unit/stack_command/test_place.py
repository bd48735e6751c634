"""`ecom --stack`: what Pulumi's command is told, where its state lies, whose variables a command sees."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from cli.commands import COMMANDS, STACK_COMMANDS, commands
from cli.context import use_platform
from cli.main import app
from cli.stack.errors import StackError
from cli.stack.place import place_of
from cli.stack.prepare import pairs, prepare
from cli.stack.program import Pulumi
from pipeline.settings import KafkaSettings, PostgresSettings, load
from tests.unit.sample_platform import sample_platform
from tests.unit.stack_command.stand_in import calls, invoke, told, volume
from toolchain.pins import cache

PYTHON = sys.executable  # before a test says that it is another


class TestPrepare:
    def test_it_does_what_a_newcomer_would_have_to_know(self, bin_folder):
        place = place_of("t")
        prepare(Pulumi(place))
        assert place.passphrase.stat().st_mode & 0o777 == 0o600
        assert place.folder.stat().st_mode & 0o777 == 0o700
        assert len(place.passphrase.read_text()) > 30
        assert calls(bin_folder)[-1] == "pulumi stack init t --no-select --non-interactive"
        assert yaml.safe_load(place.config.read_text()) == {"encryptionsalt": "v1:salt", "config": {}}
        assert told(bin_folder)["PULUMI_BACKEND_URL"] == f"file://{place.root}/backend"
        assert told(bin_folder)["PULUMI_CONFIG_PASSPHRASE_FILE"] == str(place.passphrase)

    def test_again_it_changes_nothing(self, bin_folder):
        place = place_of("t")
        prepare(Pulumi(place))
        before = place.passphrase.read_text()
        prepare(Pulumi(place))
        assert len([call for call in calls(bin_folder) if "init" in call]) == 1
        assert place.passphrase.read_text() == before

    def test_what_is_set_is_kept_until_it_is_taken_back(self, bin_folder):
        place = place_of("t")
        prepare(Pulumi(place), pairs(["kafkaPort=7000", "docker:host=tcp://x"]))
        prepare(Pulumi(place), pairs(["docker:host="]))
        assert yaml.safe_load(place.config.read_text())["config"] == {"ecom:kafkaPort": "7000"}

    def test_what_is_no_pair_is_refused(self):
        with pytest.raises(StackError, match="--set 'kafkaPort': KEY=VALUE is wanted"):
            pairs(["kafkaPort"])

    def test_the_callers_own_backend_and_passphrase_stay(self, bin_folder, monkeypatch):
        monkeypatch.setenv("PULUMI_BACKEND_URL", "s3://theirs")
        monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "theirs")
        prepare(Pulumi(place_of("t")))
        assert told(bin_folder)["PULUMI_BACKEND_URL"] == "s3://theirs"
        assert "PULUMI_CONFIG_PASSPHRASE_FILE" not in told(bin_folder)

    def test_a_start_that_ended_half_way_is_gone_on_with(self, bin_folder):
        place = place_of("t")
        prepare(Pulumi(place))
        place.config.unlink()
        (bin_folder / "fail").write_text("error: stack 't' already exists\n")
        prepare(Pulumi(place))
        assert yaml.safe_load(place.config.read_text())["encryptionsalt"] == "v1:salt"


class TestAStackOfTheCallersOwn:
    """It is in the backend that the caller is logged in to: `ecom` makes nothing beside it."""

    @pytest.fixture(autouse=True)
    def theirs(self, bin_folder: Path) -> None:
        (bin_folder / "none").unlink()

    def run(self, *words: str) -> Any:
        result = CliRunner().invoke(app, ["--stack", "t", *words])
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    @pytest.mark.parametrize("words", [("up",), ("down",)])
    def test_it_is_worked_with_where_it_is(self, words, bin_folder):
        assert self.run(*words).exit_code == 0
        assert not any("init" in call for call in calls(bin_folder))
        assert not place_of("t").folder.exists()
        assert "PULUMI_BACKEND_URL" not in told(bin_folder)

    def test_its_configuration_is_theirs_too(self, bin_folder):
        with pytest.raises(StackError, match="in a backend of your own: `pulumi config set KEY VALUE -s t`"):
            self.run("up", "--set", "kafkaPort=1")

    def test_a_backend_that_gives_no_answer_is_no_reason_to_make_another(self, bin_folder):
        (bin_folder / "fail").write_text("error: could not reach https://theirs\n")
        with pytest.raises(StackError, match="could not reach https://theirs"):
            self.run("up")
        assert not place_of("t").folder.exists()


@pytest.mark.parametrize("words", [("down",), ("down", "--wipe", "--yes"), ("secrets", "rotate")])
def test_what_ends_or_changes_a_stack_makes_none(words, bin_folder):
    (bin_folder / "fail").write_text("error: no stack named 't' found\n")
    with pytest.raises(StackError, match="there is no stack t here: `ecom --stack t up` makes it"):
        raise invoke(*words).exception
    assert not any(word in call for call in calls(bin_folder) for word in ("init", "destroy", " up "))
    assert not place_of("t").folder.exists()


class TestAFolderThatOutlivedItsStack:
    """After half a wipe, or `pulumi stack rm`: passphrase and configuration are there, and no stack."""

    @pytest.fixture(autouse=True)
    def none(self, stack_is_up: Path) -> None:
        (stack_is_up / "none").touch()

    def test_up_makes_it_again(self, bin_folder):
        result = invoke("up", "--set", "kafkaPort=7000")
        assert result.exit_code == 0, result.output
        assert sum("stack init" in call for call in calls(bin_folder)) == 1
        written = yaml.safe_load(place_of("t").config.read_text())
        assert written == {"encryptionsalt": "v1:salt", "config": {"ecom:kafkaPort": "7000"}}

    @pytest.mark.parametrize("command", ["up", "down"])
    def test_a_backend_of_another_project_is_named_and_gets_none(self, command, bin_folder, monkeypatch):
        place_of("t").make()
        monkeypatch.setenv("PULUMI_BACKEND_URL", "postgres://u:s3cret@theirs")
        with pytest.raises(
            StackError, match="no stack t in the backend of PULUMI_BACKEND_URL: unset"
        ) as said:
            raise invoke(command).exception
        assert "s3cret" not in str(said.value)
        assert not any("init" in call for call in calls(bin_folder))


def test_an_up_with_nothing_to_do_asks_pulumi_four_times(stack_is_up):
    """Each takes a second: what is in the state twice, an update, and the outputs."""
    assert invoke("up").exit_code == 0
    assert [" ".join(call.split()[1:3]) for call in calls(stack_is_up)] == [
        "stack export",
        "up --yes",
        "stack export",
        "stack output",
    ]


@pytest.mark.parametrize("name", ["backend", "backend/a/b", "..", "a/../b", "a/b/c/d", "A", "1st", "", "a\n"])
def test_a_name_that_would_be_another_folder_is_refused(name):
    with pytest.raises(StackError, match="small letters, digits and dashes"):
        place_of(name)


class TestUseStack:
    def test_its_variables_are_put_in_the_place_of_all_others(self, stack_is_up, monkeypatch):
        for name in sample_platform().as_env():
            monkeypatch.setenv(name, "leftover")
        use_platform()
        assert load(KafkaSettings).bootstrap_servers == "127.0.0.1:9092"
        settings = load(PostgresSettings)
        assert settings.password("etl") == "s3cret-etl"
        file = Path(settings.etl_password_ref.removeprefix("file:"))
        assert file.stat().st_mode & 0o777 == 0o600
        assert file.parent.stat().st_mode & 0o777 == 0o700

    def test_what_no_reference_names_is_not_written(self, stack_is_up):
        use_platform()
        folder = Path(load(PostgresSettings).etl_password_ref.removeprefix("file:")).parent
        assert {path.name for path in folder.iterdir()} == {"admin", "etl", "airflow_admin"}

    def test_one_that_is_not_up_is_named(self, stack_is_up):
        (stack_is_up / "outputs").write_text("{}")
        with pytest.raises(StackError, match="the stack t is not up: `ecom --stack t up`"):
            use_platform()

    def test_one_that_is_down_is_named_though_its_outputs_stay(self, stack_is_up):
        (stack_is_up / "export").write_text(
            json.dumps({"deployment": {"resources": [volume("postgres-data")]}})
        )
        with pytest.raises(StackError, match="the stack t is not up: `ecom --stack t up`"):
            use_platform()

    def test_one_that_is_not_there_is_named(self, bin_folder):
        (bin_folder / "fail").write_text("error: PULUMI_ACCESS_TOKEN must be set for login\n")
        with pytest.raises(StackError, match="there is no stack t here"):
            use_platform()


def test_without_pulumi_it_says_how_to_get_it(bin_folder):
    (bin_folder / "pulumi").unlink()
    with pytest.raises(StackError, match="there is no `pulumi` on PATH: install it"):
        Pulumi(place_of("t"))


def test_what_is_on_path_comes_before_what_was_built(bin_folder):
    built = cache()
    built.mkdir(parents=True)
    (built / "pulumi").write_text("#!/bin/sh\nexit 9\n")
    (built / "pulumi").chmod(0o755)
    assert Pulumi(place_of("t")).run("version") == 0
    (bin_folder / "pulumi").unlink()
    assert Pulumi(place_of("t")).run("version") == 9


def test_where_a_stacks_providers_are_on_path_pulumi_downloads_no_other(bin_folder):
    variable = "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"
    (bin_folder / "pulumi-resource-docker").symlink_to(bin_folder / "docker")
    invoke("pulumi", "version")
    assert variable not in told(bin_folder)
    (bin_folder / "pulumi-resource-random").symlink_to(bin_folder / "docker")
    invoke("pulumi", "version")
    assert told(bin_folder)[variable] == "true"
    # AWS's is another.
    CliRunner().invoke(app, ["--stack", "aws", "pulumi", "version"])
    assert variable not in told(bin_folder)


def test_pulumis_own_commands_get_stack_and_configuration(bin_folder):
    prepare(Pulumi(place_of("t")))
    CliRunner().invoke(app, ["--stack", "t", "pulumi", "preview", "--diff", "--help"])
    own = f"--stack t --config-file {place_of('t').config}"
    assert calls(bin_folder)[-1] == f"pulumi preview --diff --help {own}"


@pytest.mark.parametrize("change", ["set", "rm"])
def test_a_key_that_the_next_up_would_forget_is_refused(change, bin_folder):
    prepare(Pulumi(place_of("t")))
    with pytest.raises(StackError, match="`ecom --stack t up --set KEY=VALUE` keeps a key"):
        raise invoke("pulumi", "config", change, "kafkaPort").exception
    assert CliRunner().invoke(app, ["--stack", "t", "pulumi", "config"]).exit_code == 0


def test_help_lists_the_commands_of_the_stack_that_the_variable_names(monkeypatch):
    assert "demo" in CliRunner().invoke(app, ["--help"], env={"ECOM_STACK": ""}).stdout
    listed = CliRunner().invoke(app, ["--help"], env={"ECOM_STACK": "t"}).stdout
    assert "restore" in listed
    assert "demo" not in listed


def test_a_stack_has_the_commands_that_make_sense_for_it():
    assert set(commands("t")) == (set(COMMANDS) | set(STACK_COMMANDS)) - {"env", "demo"}
    assert commands("") == COMMANDS
