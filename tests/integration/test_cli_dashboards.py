"""`ecom dashboards` as an operator types it."""

import json
import sys
from collections.abc import Callable

import pytest

from cli import main
from dashboards.spec_files import load as load_spec
from infra.platform import Platform
from pipeline.settings import MetabaseSettings, PostgresSettings
from tests.metabase_server import MetabaseServer

Ecom = Callable[..., tuple[int, str, str]]
# Database, its sync, group, access to data, collection, access to it, each dashboard and each chart.
THINGS = 6 + sum(1 + len(board.charts) for board in load_spec())


@pytest.fixture
def ecom(
    platform_env: dict[str, str],
    database: PostgresSettings,
    metabase_settings: MetabaseSettings,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Ecom:
    """Runs `ecom` with a Metabase in its variables; returns exit code, stdout and stderr."""
    monkeypatch.setenv("ECOM_POSTGRES_DATABASE", database.database)
    monkeypatch.setenv("ECOM_METABASE_URL", metabase_settings.url)
    monkeypatch.setenv("ECOM_METABASE_ADMIN_EMAIL", metabase_settings.admin_email)
    monkeypatch.setenv("ECOM_METABASE_ADMIN_PASSWORD_REF", metabase_settings.admin_password_ref)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["ecom", "dashboards", *words])
        with pytest.raises(SystemExit) as ended:
            main.run()
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return run


def test_plan_apply_plan(ecom: Ecom, metabase: MetabaseServer):
    code, out, _ = ecom("plan")
    assert code == 0
    assert f"would write {THINGS + 1}, unchanged 0, not ours 0" in out
    assert ecom("plan", "--check")[0] == 2
    code, out, err = ecom("apply")
    assert code == 0
    assert f"wrote {THINGS + 1}, unchanged 0, not ours 0" in out
    assert f"Orders and revenue: {metabase.url}/dashboard/" in out
    assert "create card 'Daily revenue by currency'" in err
    assert ecom("plan", "--check") == (0, f"would write 0, unchanged {THINGS}, not ours 0\n", "")


def test_json_is_all_there_is_on_stdout(ecom: Ecom):
    planned = json.loads(ecom("plan", "--json")[1])
    assert {one["action"] for one in planned} == {"create"}
    applied = json.loads(ecom("apply", "--json")[1])
    assert applied["differences"] == planned
    assert list(applied["addresses"]) == ["Orders and revenue", "Pipeline health"]
    assert applied["failed"] == []


def test_a_query_that_fails_makes_the_exit_code_1(ecom: Ecom, sql: Callable[..., list[tuple]]):
    assert ecom("apply")[0] == 0
    sql("ALTER VIEW curated.order_inflow RENAME TO gone")
    code, _, err = ecom("apply")
    assert code == 1
    assert "the query of 'New orders per minute' fails" in err
    assert 'relation "curated.order_inflow" does not exist' in err


@pytest.mark.parametrize("words", [("plan",), ("apply",)])
def test_an_environment_without_a_metabase_says_where_its_page_is(
    words: tuple[str, ...], ecom: Ecom, platform: Platform, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("ECOM_METABASE_URL", "")
    code, _, err = ecom(*words)
    assert code == 1
    assert err.count("\n") == 1
    assert "this environment has no Metabase" in err
    assert f"its dashboards are at {platform.dashboards.url};" in err


def test_url_names_another(ecom: Ecom, metabase: MetabaseServer, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ECOM_METABASE_URL", "")
    assert ecom("plan", "--url", f"{metabase.url}/")[0] == 0
    assert metabase.received


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("ECOM_METABASE_URL", "http://127.0.0.1:1", "is not up after 0 s"),
        ("ECOM_METABASE_URL", "metabase:3000", "ECOM_METABASE_URL='metabase:3000'"),
        ("ECOM_METABASE_URL", "http://metabase:port", "http://metabase:port is not an address"),
        ("ECOM_METABASE_URL", "http://metabase:99999", "99999"),
        ("ECOM_METABASE_ADMIN_EMAIL", "", "ECOM_METABASE_ADMIN_EMAIL"),
        ("ECOM_METABASE_ADMIN_PASSWORD_REF", "hunter2-pasted", "ECOM_METABASE_ADMIN_PASSWORD_REF"),
        ("ECOM_METABASE_ADMIN_PASSWORD_REF", "file:/nowhere", "secret file:/nowhere"),
    ],
)
def test_what_is_wrong_is_told_in_a_line(
    variable: str, value: str, told: str, ecom: Ecom, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv(variable, value)
    code, _, err = ecom("apply", "--wait", "0")
    assert code == 1
    assert told in err.splitlines()[-1]
    assert "hunter2-pasted" not in err
    assert "Traceback" not in err
