"""`ecom --stack NAME backup | restore`: what stops, what is copied, and what a failure leaves."""

import base64
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.main import app
from cli.stack import volumes
from cli.stack.errors import StackError
from cli.stack.passwords import verifier
from tests.unit.stack_command.stand_in import calls, ended, inspected


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
        (bin_folder / "fails").write_text("-C /data -czf")
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

    def test_what_half_a_restore_left_is_in_no_backup_and_comes_out_of_none(self, tmp_path):
        data, archive = tmp_path / "data", tmp_path / "archive"
        data.mkdir()
        (archive / ".ecom-new" / "half").mkdir(parents=True)
        (archive / "kept").touch()
        before = run("tar -C /data -czf - .", archive)  # as it was packed once
        for packed in (run(volumes._PACK, archive), before):
            run(volumes._UNPACK, data, packed)
            assert [path.name for path in (data / ".ecom-new").iterdir()] == ["kept"]
            run(volumes._SWAP, data)
            assert [path.name for path in data.iterdir()] == ["kept"]

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

    @pytest.mark.parametrize("failing", ["mv {}", "postgres --single"])
    def test_a_restore_that_fails_starts_nothing_and_says_so(self, failing, bin_folder, tmp_path):
        self.run("backup", str(tmp_path / "b"))
        (bin_folder / "calls").unlink()
        (bin_folder / "fails").write_text(failing)
        result = self.run("restore", str(tmp_path / "b"), "--yes")
        assert isinstance(result.exception, StackError)
        assert "the services stay stopped" in result.stderr
        assert not any(" start " in call for call in calls(bin_folder, "docker"))

    def test_one_that_fails_before_anything_old_is_gone_leaves_all_as_it_was(self, bin_folder, tmp_path):
        self.run("backup", str(tmp_path / "b"))
        (bin_folder / "calls").unlink()
        (bin_folder / "fails").write_text("mkdir /data/.ecom-new")
        with pytest.raises(StackError, match="ecom-t-postgres-data: it failed"):
            raise self.run("restore", str(tmp_path / "b"), "--yes").exception
        asked = calls(bin_folder, "docker")
        assert sum(call.endswith("-c rm -rf /data/.ecom-new") for call in asked) == 2
        assert [call.split()[1] for call in asked[-2:]] == ["start", "start"]

    def test_what_runs_once_brings_an_older_schema_to_the_codes_before_all_is_waited_for(
        self, bin_folder, tmp_path
    ):
        self.run("backup", str(tmp_path / "b"))
        (bin_folder / "calls").unlink()
        # Without the migrations it does not work.
        (bin_folder / "inspect").write_text(json.dumps([inspected("postgres"), ended("stream")]))
        with pytest.raises(StackError, match="not running: stream"):
            raise self.run("restore", str(tmp_path / "b"), "--yes").exception
        assert any(call.startswith("pulumi up --replace urn:setup --yes") for call in calls(bin_folder))

    def test_a_whole_backup_is_told_whatever_becomes_of_the_services(self, bin_folder, tmp_path):
        (bin_folder / "inspect").write_text(json.dumps([inspected("postgres"), ended("stream")]))
        result = self.run("backup", str(tmp_path / "b"))
        assert result.exit_code == 1
        assert f"2 volumes in {tmp_path / 'b'}" in result.stdout

    def test_a_folder_that_cant_be_made_is_told_before_anything_stops(self, bin_folder, tmp_path):
        (tmp_path / "file").touch()
        with pytest.raises(StackError, match="Not a directory; nothing was stopped"):
            raise self.run("backup", str(tmp_path / "file" / "b")).exception
        assert not any(" stop " in call for call in calls(bin_folder, "docker"))

    def test_nothing_old_goes_before_everything_new_is_there(self, bin_folder, tmp_path):
        self.run("backup", str(tmp_path / "b"))
        (bin_folder / "calls").unlink()
        self.run("restore", str(tmp_path / "b"), "--yes")
        runs = [call for call in calls(bin_folder, "docker") if call.startswith("docker run")]
        assert runs[-1].count("postgres --single") == 1
        # The engine keeps no log of what is packed.
        assert all("--log-driver none" in run for run in runs[:-1])
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
