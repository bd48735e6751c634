"""`ecom --stack`: what Pulumi's command is told, where its state lies, whose variables a command sees."""

import base64
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from cli.commands import COMMANDS, STACK_COMMANDS, commands
from cli.context import use_platform
from cli.main import app
from cli.stack import volumes
from cli.stack.errors import StackError
from cli.stack.passwords import verifier
from cli.stack.place import place_of
from cli.stack.prepare import prepare
from cli.stack.program import REPOSITORY, Pulumi
from pipeline.settings import KafkaSettings, PostgresSettings, load
from tests.unit.sample_platform import sample_platform
from toolchain.pins import cache

PYTHON = sys.executable  # before a test says that it is another
# Stands in for a program: keeps what it was called with, and answers from the files beside it.
PROGRAM = r"""#!/bin/sh
here="$(dirname "$0")"
echo "$(basename "$0") $*" >>"$here/calls"
env | grep ^PULUMI_ >"$here/env"
test -e "$here/fails" || echo none-does >"$here/fails"
case "$*" in
    *"$(cat "$here/fails")"*) echo "it failed" >&2; exit 1 ;;
esac
case "$*" in
    "stack export"*) test ! -e "$here/none" || { echo "error: no stack named 't' found" >&2; exit 255; } ;;
esac
case "$*" in
    "stack init"*) echo "encryptionsalt: v1:salt" >Pulumi.t.yaml; rm -f "$here/none" ;;
    "stack output"*) cat "$here/outputs" ;;
    "stack export"*) cat "$here/export" ;;
    "container inspect ecom-t-postgres") cat "$here/postgres" ;;
    "container inspect"*) cat "$here/inspect" ;;
    "run "*postgres\ --single*) cat >"$here/sql" ;;
    "run "*) cat >>"$here/restored"; echo data ;;
esac
test ! -e "$here/fail" || { cat "$here/fail" >&2; exit 1; }
"""


@pytest.fixture
def bin_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("pulumi", "docker"):
        (folder / name).write_text(PROGRAM)
        (folder / name).chmod(0o755)
    for name in [name for name in os.environ if name.startswith(("ECOM_", "PULUMI_", "DOCKER_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.setenv("ECOM_STACK_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))  # no toolchain of this machine's
    monkeypatch.setenv("ECOM_STACK", "t")
    monkeypatch.setattr("cli.stack.program.sys.executable", "/usr/bin/python3")
    secrets = {
        "metabase_key": "s3cret-key",
        "admin": "s3cret-admin",
        "etl": "s3cret-etl",
        "airflow_admin": "s3cret-airflow_admin",
    }
    outputs = {
        "env": sample_platform().as_env(),
        "addresses": {"postgres": "postgresql://x", "airflow": "http://a"},
        "secrets": secrets,
    }
    (folder / "outputs").write_text(json.dumps(outputs))
    made = [container("postgres"), container("stream"), container("setup", must_run=False)]
    made += [volume("postgres-data"), volume("spark-checkpoints"), volume("airflow-logs")]
    (folder / "export").write_text(json.dumps({"deployment": {"resources": made}}))
    (folder / "inspect").write_text(json.dumps([inspected("postgres"), inspected("stream")]))
    mount = {"Type": "volume", "Name": "ecom-t-postgres-data", "Destination": "/var/lib/postgresql"}
    server = {"Image": "sha256:image", "Config": {"User": "999"}, "Mounts": [mount]}
    (folder / "postgres").write_text(json.dumps([inspected("postgres") | server]))
    # There is no stack anywhere, until one is made here.
    (folder / "none").touch()
    return folder


@pytest.fixture
def stack_is_up(bin_folder: Path) -> Path:
    """A stack of ours is there."""
    (bin_folder / "none").unlink()
    place_of("t").make()
    place_of("t").config.write_text("encryptionsalt: v1:salt\n")
    return bin_folder


def container(service: str, *, must_run: bool = True) -> dict[str, Any]:
    told = {"hostname": service, "name": f"ecom-t-{service}", "mustRun": must_run}
    return {"type": "docker:index/container:Container", "urn": f"urn:{service}", "outputs": told}


def volume(name: str) -> dict[str, Any]:
    return {"type": "docker:index/volume:Volume", "outputs": {"name": f"ecom-t-{name}"}}


def inspected(service: str, health: str = "healthy") -> dict[str, Any]:
    state = {"Status": "running", "Health": {"Status": health}, "StartedAt": "2026-11-24T21:24:30.123456789Z"}
    return {"Name": f"/ecom-t-{service}", "RestartCount": 2, "State": state}


def calls(bin_folder: Path, program: str = "pulumi") -> list[str]:
    lines = (bin_folder / "calls").read_text().splitlines()
    return [line for line in lines if line.startswith(f"{program} ")]


def told(bin_folder: Path) -> dict[str, str]:
    return dict(line.split("=", 1) for line in (bin_folder / "env").read_text().splitlines())


def invoke(*words: str) -> Any:
    return CliRunner().invoke(app, ["--stack", "t", *words])


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
        prepare(Pulumi(place), ["kafkaPort=7000", "docker:host=tcp://x"])
        prepare(Pulumi(place), ["docker:host="])
        assert yaml.safe_load(place.config.read_text())["config"] == {"ecom:kafkaPort": "7000"}

    def test_what_is_no_pair_is_refused(self, bin_folder):
        with pytest.raises(StackError, match="--set 'kafkaPort': KEY=VALUE is wanted"):
            prepare(Pulumi(place_of("t")), ["kafkaPort"])

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


@pytest.mark.parametrize("command", ["up", "down"])
def test_half_a_rotation_is_finished_first(command, stack_is_up):
    place_of("t").note_rotation()
    with pytest.raises(StackError, match="a rotation of the secrets was interrupted"):
        raise invoke(command).exception
    (stack_is_up / "postgres").write_text("[]")  # nothing is left to lose
    assert CliRunner().invoke(app, ["--stack", "t", command]).exit_code == 0


class TestUseStack:
    def test_its_variables_are_put_in_the_place_of_all_others(self, bin_folder, monkeypatch):
        for name in sample_platform().as_env():
            monkeypatch.setenv(name, "leftover")
        use_platform()
        assert load(KafkaSettings).bootstrap_servers == "127.0.0.1:9092"
        settings = load(PostgresSettings)
        assert settings.password("etl") == "s3cret-etl"
        file = Path(settings.etl_password_ref.removeprefix("file:"))
        assert file.stat().st_mode & 0o777 == 0o600
        assert file.parent.stat().st_mode & 0o777 == 0o700

    def test_what_no_reference_names_is_not_written(self, bin_folder):
        use_platform()
        folder = Path(load(PostgresSettings).etl_password_ref.removeprefix("file:")).parent
        assert {path.name for path in folder.iterdir()} == {"admin", "etl", "airflow_admin"}

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
    def test_a_signal_takes_the_files_along(self, number, bin_folder, tmp_path, monkeypatch):
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
        program = "import os, signal; from cli.context import use_platform; use_platform();"
        program += f"assert list(__import__('pathlib').Path({str(tmp_path)!r}).glob('ecom-stack-*'));"
        program += f"os.kill(os.getpid(), {int(number)}); signal.pause()"
        env = os.environ | {"PYTHONPATH": str(REPOSITORY)}
        done = subprocess.run([PYTHON, "-c", program], env=env, check=False, capture_output=True, text=True)
        assert done.returncode == 128 + number, done.stderr
        assert not list(tmp_path.glob("ecom-stack-*"))

    def test_one_that_is_not_up_is_named(self, bin_folder):
        (bin_folder / "outputs").write_text("{}")
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


@pytest.mark.usefixtures("stack_is_up")
class TestStatus:
    def run(self) -> Any:
        return CliRunner().invoke(app, ["--stack", "t", "status", "--json"])

    def test_all_is_well(self, bin_folder):
        result = self.run()
        assert result.exit_code == 0
        service = json.loads(result.stdout)["services"]["postgres"]
        assert (service["state"], service["health"], service["restarts"]) == ("running", "healthy", 2)
        # What runs once is none.
        assert list(json.loads(result.stdout)["services"]) == ["postgres", "stream"]

    @pytest.mark.parametrize("answer", [[], [inspected("postgres", "unhealthy"), inspected("stream")]])
    def test_one_is_gone_or_not_well(self, answer, bin_folder):
        (bin_folder / "inspect").write_text(json.dumps(answer))
        result = self.run()
        assert result.exit_code == 1
        assert json.loads(result.stdout)["healthy"] is False

    def test_the_table_says_where_a_password_is_and_never_what_it_is(self, bin_folder):
        result = CliRunner().invoke(app, ["--stack", "t", "status"])
        assert "secrets show airflow_admin" in result.stdout.replace("\n", " ")
        assert "s3cret" not in result.stdout


@pytest.mark.usefixtures("stack_is_up")
class TestUp:
    @pytest.mark.parametrize(("code", "again"), [(None, ""), (0, ""), (3, " --replace urn:setup")])
    def test_a_step_that_failed_runs_again(self, code, again, bin_folder):
        made = [container("postgres"), container("stream"), container("setup", must_run=False)]
        for one in made:
            one["outputs"]["exitCode"] = code
        (bin_folder / "export").write_text(json.dumps({"deployment": {"resources": made}}))
        assert CliRunner().invoke(app, ["--stack", "t", "up"]).exit_code == 0
        assert [call for call in calls(bin_folder) if call.startswith(f"pulumi up{again} --yes")]


@pytest.mark.usefixtures("stack_is_up")
class TestDown:
    def test_the_data_stay(self, bin_folder):
        assert CliRunner().invoke(app, ["--stack", "t", "down"]).exit_code == 0
        assert calls(bin_folder)[-1].startswith("pulumi destroy --exclude-protected --yes")
        assert f"--config-file {place_of('t').config}" in calls(bin_folder)[-1]

    def test_wiping_asks_first(self, bin_folder):
        result = CliRunner().invoke(app, ["--stack", "t", "down", "--wipe"], input="n\n")
        assert result.exit_code == 1
        assert not any("destroy" in call for call in calls(bin_folder))
        assert CliRunner().invoke(app, ["--stack", "t", "down", "--wipe", "--yes"]).exit_code == 0
        said = [call.split()[1] for call in calls(bin_folder)]
        assert [word for word in said if word != "stack"] == ["state", "destroy"]
        assert calls(bin_folder)[-1].startswith("pulumi stack rm --yes")
        assert not place_of("t").folder.exists()


def run(script: str, data: Path, given: bytes = b"") -> bytes:
    """Run what a container would, on a folder in the place of its volume."""
    command = ["sh", "-c", script.replace("/data", str(data))]
    return subprocess.run(command, input=given, check=True, capture_output=True).stdout


@pytest.mark.usefixtures("stack_is_up")
class TestBackup:
    def run(self, *words: str, said: str = "") -> Any:
        return CliRunner().invoke(app, ["--stack", "t", *words], input=said)

    def test_all_stop_then_the_data_are_copied_then_all_start(self, bin_folder, tmp_path):
        result = self.run("backup", str(tmp_path / "b"))
        assert result.exit_code == 0, result.output
        asked = [call.split()[1:] for call in calls(bin_folder, "docker")]
        done = [words[0] + (f" {words[-1]}" if len(words) == 2 else "") for words in asked]
        assert [word for word in done if word not in ("container", "context", "volume")] == [
            "stop ecom-t-stream",
            "stop ecom-t-postgres",
            "run",
            "run",
            "start ecom-t-postgres",
            "start ecom-t-stream",
        ]
        held = sorted(path.name for path in (tmp_path / "b").iterdir())
        assert held == ["ecom-t-postgres-data.tar.gz", "ecom-t-spark-checkpoints.tar.gz", "manifest.json"]
        assert (tmp_path / "b").stat().st_mode & 0o777 == 0o700
        assert "s3cret" not in (tmp_path / "b" / "manifest.json").read_text()

    def test_a_folder_that_is_there_is_left_alone(self, bin_folder, tmp_path):
        with pytest.raises(StackError, match="there already"):
            raise self.run("backup", str(tmp_path)).exception
        assert [call.split()[1] for call in calls(bin_folder, "docker")] == ["context"]

    def test_it_is_put_back_after_a_question(self, bin_folder, tmp_path):
        self.run("backup", str(tmp_path / "b"))
        assert self.run("restore", str(tmp_path / "b"), said="n\n").exit_code == 1
        (bin_folder / "restored").unlink()
        assert self.run("restore", str(tmp_path / "b"), said="y\n").exit_code == 0
        assert (bin_folder / "restored").read_text() == "data\ndata\n"

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            ({"secrets": {"metabase_key": "another"}}, r"of a stack with other keys \(metabase_key\)"),
            ({"volumes": {}}, "holds .*, and the stack has"),
            ({"volumes": {"ecom-t-postgres-data": "0" * 64}}, "is missing or damaged; nothing was stopped"),
        ],
    )
    def test_what_does_not_fit_is_refused(self, change, said, bin_folder, tmp_path):
        self.run("backup", str(tmp_path / "b"))
        manifest = tmp_path / "b" / "manifest.json"
        manifest.write_text(json.dumps(json.loads(manifest.read_text()) | change))
        (bin_folder / "calls").unlink()
        with pytest.raises(StackError, match=said):
            raise self.run("restore", str(tmp_path / "b"), "--yes").exception
        assert not any(call.startswith("docker stop") for call in calls(bin_folder, "docker"))

    def test_a_container_that_is_gone_stops_it_before_the_others_stop(self, bin_folder, tmp_path):
        (bin_folder / "inspect").write_text(json.dumps([inspected("postgres")]))
        with pytest.raises(StackError, match="containers are gone: stream; nothing was stopped"):
            raise self.run("backup", str(tmp_path / "b")).exception
        assert not any(" stop " in call for call in calls(bin_folder, "docker"))
        assert not (tmp_path / "b").exists()

    def test_a_backup_that_fails_leaves_nothing_behind_and_everything_started(self, bin_folder, tmp_path):
        (bin_folder / "fails").write_text("tar -C /data -czf")
        with pytest.raises(StackError, match="ecom-t-postgres-data"):
            raise self.run("backup", str(tmp_path / "b")).exception
        assert [
            path.name for path in tmp_path.iterdir() if path.name.startswith("b") and path != bin_folder
        ] == []
        assert sum(" start " in call for call in calls(bin_folder, "docker")) == 2

    def test_the_scripts_put_exactly_the_archives_files_in_the_place_of_the_old(self, tmp_path):
        data, archive = tmp_path / "data", tmp_path / "archive"
        # What an earlier restore left, ended in the middle of its work.
        (data / ".ecom-new" / "half").mkdir(parents=True)
        for name in ("old", ".hidden-old", "both"):
            (data / name).write_text("old")
        (archive / "folder").mkdir(parents=True)
        for name in ("both", ".hidden", "folder/name with spaces"):
            (archive / name).write_text("new")
        packed = run(volumes._PACK, archive)
        run(volumes._UNPACK, data, packed)
        assert (data / "old").exists()
        run(volumes._SWAP, data)
        found = {path.relative_to(data).as_posix() for path in data.rglob("*")}
        assert found == {"both", ".hidden", "folder", "folder/name with spaces"}
        assert (data / "both").read_text() == "new"

    def test_one_that_does_not_start_keeps_none_of_the_others(self, bin_folder, tmp_path):
        (bin_folder / "fails").write_text("start ecom-t-postgres")
        with pytest.raises(StackError, match="ecom-t-postgres: docker start: it failed"):
            raise self.run("backup", str(tmp_path / "b")).exception
        assert calls(bin_folder, "docker")[-1] == "docker start ecom-t-stream"

    def test_one_that_does_not_stop_leaves_all_of_them_running(self, bin_folder, tmp_path):
        (bin_folder / "fails").write_text("stop ecom-t-postgres")
        with pytest.raises(StackError, match="docker stop: it failed"):
            raise self.run("backup", str(tmp_path / "b")).exception
        assert sum(" start " in call for call in calls(bin_folder, "docker")) == 2

    @pytest.mark.parametrize("failing", ["mkdir /data/.ecom-new", "mv {}", "postgres --single"])
    def test_a_restore_that_fails_starts_nothing_and_says_so(self, failing, bin_folder, tmp_path):
        self.run("backup", str(tmp_path / "b"))
        (bin_folder / "calls").unlink()
        (bin_folder / "fails").write_text(failing)
        result = self.run("restore", str(tmp_path / "b"), "--yes")
        assert isinstance(result.exception, StackError)
        assert "the services stay stopped" in result.stderr
        assert not any(" start " in call for call in calls(bin_folder, "docker"))

    def test_nothing_old_goes_before_everything_new_is_there(self, bin_folder, tmp_path):
        self.run("backup", str(tmp_path / "b"))
        (bin_folder / "calls").unlink()
        self.run("restore", str(tmp_path / "b"), "--yes")
        runs = [call for call in calls(bin_folder, "docker") if call.startswith("docker run")]
        kinds = ["new" if "mkdir" in run else "swap" if "mv" in run else "passwords" for run in runs]
        assert kinds == ["new", "new", "swap", "swap", "passwords"]

    def test_after_a_rotation_the_data_get_todays_passwords(self, bin_folder, tmp_path):
        self.run("backup", str(tmp_path / "b"))
        outputs = json.loads((bin_folder / "outputs").read_text())
        outputs["secrets"] |= {"admin": "n3w-admin", "airflow_database": "n3w-airflow"}
        (bin_folder / "outputs").write_text(json.dumps(outputs))
        assert self.run("restore", str(tmp_path / "b"), "--yes").exit_code == 0
        sql = (bin_folder / "sql").read_text()
        roles = [line.split("ALTER ROLE ")[1].split()[0] for line in sql.splitlines()]
        admin = outputs["env"]["ECOM_POSTGRES_ADMIN_USER"]
        assert roles == [admin, "etl", "airflow"]
        assert "n3w" not in sql
        # What is written in Metabase's database is written anew.
        assert "pulumi up --replace urn:setup" in "\n".join(calls(bin_folder))

    def test_half_a_backup_is_none(self, bin_folder, tmp_path):
        with pytest.raises(StackError, match="is no whole backup"):
            raise self.run("restore", str(tmp_path), "--yes").exception


def test_what_the_server_keeps_of_a_password():
    """By a password and salt that RFC 7677 gives an example of."""
    assert verifier("pencil", base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")) == (
        "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY="
        ":wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
    )


def test_what_is_on_path_comes_before_what_was_built(bin_folder):
    built = cache()
    built.mkdir(parents=True)
    (built / "pulumi").write_text("#!/bin/sh\nexit 9\n")
    (built / "pulumi").chmod(0o755)
    assert Pulumi(place_of("t")).run("version") == 0
    (bin_folder / "pulumi").unlink()
    assert Pulumi(place_of("t")).run("version") == 9


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


def test_a_stack_has_the_commands_that_make_sense_for_it():
    assert set(commands("t")) == (set(COMMANDS) | set(STACK_COMMANDS)) - {"env", "demo"}
    assert commands("") == COMMANDS
