"""`ecom --stack NAME up | status | logs | down`."""

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.main import app
from cli.stack.containers import PATIENCE_S, wait_healthy
from cli.stack.errors import StackError
from cli.stack.place import place_of
from cli.stack.program import Pulumi
from environments.local import metabase
from environments.local.container import ContainerSpec
from tests.unit.stack_command.stand_in import calls, container, ended, inspected, invoke


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

    def test_it_waits_until_all_of_it_is_healthy(self, bin_folder, monkeypatch):
        (bin_folder / "inspect").write_text(
            json.dumps([inspected("postgres", "starting"), inspected("stream")])
        )
        mended = json.dumps([inspected("postgres"), inspected("stream")])
        wait = "cli.stack.containers.threading.Event.wait"
        monkeypatch.setattr(wait, lambda *_: (bin_folder / "inspect").write_text(mended))
        result = invoke("up")
        assert result.exit_code == 0
        assert "waiting until healthy: postgres" in result.stderr

    def test_what_stays_unhealthy_is_named(self, bin_folder):
        (bin_folder / "inspect").write_text(
            json.dumps([inspected("postgres", "starting"), inspected("stream")])
        )
        with pytest.raises(
            StackError, match="not healthy after 0 s: postgres; `ecom --stack t logs SERVICE`"
        ):
            wait_healthy(Pulumi(place_of("t")), patience_s=0)

    def test_what_somebody_stopped_is_not_waited_for(self, bin_folder):
        (bin_folder / "inspect").write_text(json.dumps([inspected("postgres"), ended("stream")]))
        with pytest.raises(StackError, match=r"not running: stream \(exited\); `ecom --stack t pulumi"):
            raise invoke("up").exception

    def test_the_slowest_start_is_waited_for(self):
        assert metabase._START_S < PATIENCE_S
        assert ContainerSpec.wait_s < PATIENCE_S


@pytest.mark.usefixtures("stack_is_up")
class TestLogs:
    @pytest.mark.parametrize("service", ["stream", "setup"])
    def test_also_of_what_runs_once(self, service, monkeypatch):
        ran: list[str] = []
        monkeypatch.setattr("cli.stack.lifecycle.os.execvp", lambda _, words: ran.extend(words))
        assert invoke("logs", service).exit_code == 0
        assert ran == ["docker", "logs", "--tail", "20", f"ecom-t-{service}"]

    def test_without_a_service_it_says_which_there_are(self):
        said = str(invoke("logs").exception)
        assert said == "of which service; there are: postgres, stream, setup"

    def test_what_there_is_none_of_is_told_with_what_there_is(self):
        with pytest.raises(StackError, match="no service 'x'; there are: postgres, stream, setup"):
            raise invoke("logs", "x").exception


@pytest.mark.usefixtures("stack_is_up")
class TestDown:
    def test_the_data_stay(self, bin_folder):
        done = CliRunner().invoke(app, ["--stack", "t", "down"])
        assert done.exit_code == 0
        assert "the data and passwords stay: `ecom --stack t up` goes on with them" in done.stdout
        assert calls(bin_folder)[-1].startswith("pulumi destroy --exclude-protected --yes")
        assert f"--config-file {place_of('t').config}" in calls(bin_folder)[-1]

    def test_wiping_asks_first(self, bin_folder):
        past = place_of("t").backend / ".pulumi" / "backups" / "ecom" / "t"
        past.mkdir(parents=True)
        result = CliRunner().invoke(app, ["--stack", "t", "down", "--wipe"], input="n\n")
        assert result.exit_code == 1
        assert not any("destroy" in call for call in calls(bin_folder))
        assert CliRunner().invoke(app, ["--stack", "t", "down", "--wipe", "--yes"]).exit_code == 0
        said = [call.split()[1] for call in calls(bin_folder)]
        assert [word for word in said if word != "stack"] == ["state", "destroy"]
        assert calls(bin_folder)[-1].startswith("pulumi stack rm --yes")
        assert not place_of("t").folder.exists()
        assert not past.exists()
