"""`ecom --stack NAME up | status | down`."""

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.main import app
from cli.stack.place import place_of
from tests.unit.stack_command.stand_in import calls, container, inspected


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
