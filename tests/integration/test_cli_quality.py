"""`ecom quality`, `ecom batch` and the batch's own commands as an operator types them."""

import json
import sys
from collections.abc import Callable

import pytest

from cli import main
from pipeline.jobs import command
from pipeline.jobs.steps import Steps
from pipeline.settings import PostgresSettings
from tests.integration.quality_runs import DAY, orders, publish_history, ready, refused, stage
from tests.integration.samples import uid

Sql = Callable[..., list[tuple]]
Ecom = Callable[..., tuple[int, str, str]]


@pytest.fixture
def ecom(
    platform_env: dict[str, str],
    database: PostgresSettings,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Ecom:
    """Runs `ecom` on the test's own database; returns exit code, stdout and stderr."""
    monkeypatch.setenv("ECOM_POSTGRES_DATABASE", database.database)
    monkeypatch.setenv("COLUMNS", "220")

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["ecom", *words])
        with pytest.raises(SystemExit) as ended:
            main.run()
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return run


@pytest.fixture
def jobs(ecom: Ecom, capsys: pytest.CaptureFixture[str]) -> Ecom:
    """Runs a step as `python -m pipeline.jobs` does."""

    def run(*words: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            command.app(list(words))
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return run


@pytest.fixture
def failed(database: PostgresSettings, sql: Sql) -> Steps:
    """A run that failed the gate with one order of quantity 0."""
    steps = ready(database, sql)
    sql("UPDATE staging.fact_orders SET quantity = 0 WHERE order_id = %s", uid(9000, kind=1))
    refused(steps.gate)
    return steps


def test_list_shows_the_latest_run_and_what_holds(ecom: Ecom, failed: Steps):
    assert (
        ecom(
            "quality",
            "accept",
            "fact_orders_currency",
            "--who",
            "ada",
            "--why",
            "sale",
            "--until",
            "2999-01-01",
        )[0]
        == 0
    )
    code, out, _ = ecom("quality", "list", "--failed")
    assert code == 0
    assert "fact_orders_quantity" in out
    assert "fact_orders_status" not in out
    assert "fact_orders_currency" in out
    listed = json.loads(ecom("quality", "list", "--json", "--run", "run")[1])
    assert len(listed["results"]) > 20
    assert [one["check_name"] for one in listed["exceptions"]] == ["fact_orders_currency"]


def test_list_before_any_run(ecom: Ecom):
    assert json.loads(ecom("quality", "list", "--json")[1]) == {
        "run_id": None,
        "results": [],
        "exceptions": [],
    }
    assert ecom("quality", "list")[0] == 0


def test_show_explains_with_rows_and_query(ecom: Ecom, failed: Steps):
    code, out, _ = ecom("quality", "show", "run")
    assert code == 0
    assert "gate: fact_orders_quantity failed (1 row; measured 1, allowed at most 0)" in out
    assert "means: quantity is positive." in out
    assert uid(9000, kind=1) in out
    assert "query: WITH examined AS" in out
    assert "fact_orders_status" not in out
    assert "fact_orders_status passed" in ecom("quality", "show", "run", "fact_orders_status")[1]
    (page,) = json.loads(ecom("quality", "show", "run", "--json")[1])["results"]
    assert (page["check_name"], page["samples"][0]["quantity"]) == ("fact_orders_quantity", 0)


def test_an_accepted_failure_lets_the_same_run_through(
    ecom: Ecom, jobs: Ecom, database: PostgresSettings, sql: Sql
):
    run = ready(database, sql)
    sql("UPDATE staging.fact_orders SET status = 'gift' WHERE order_id = %s", uid(9000, kind=1))
    refused(run.gate)
    words = ("accept", "fact_orders_status", "--who", "ada", "--why", "a gift", "--until", "2999-01-01")
    code, out, _ = ecom("quality", *words, "--day", DAY)
    assert (code, out) == (0, "exception 1: fact_orders_status may fail until 2999-01-01 00:00 UTC\n")
    assert jobs("gate", "--run-id", "run")[0] == 0
    assert "accepted by ada: a gift" in ecom("quality", "list", "--run", "run", "--failed")[1]
    assert "accepted" in ecom("batch", "show", "run")[1]
    assert jobs("publish", "--run-id", "run")[0] == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("quality", "show", "absent"), "run 'absent' has no results; the latest with some: run"),
        (("quality", "show", "run", "absent"), "check 'absent': allowed are dim_customers_staged"),
        (("quality", "list", "--run", "absent"), "run 'absent' has no results; the latest with some: run"),
        (
            ("quality", "accept", "absent", "--who", "a", "--why", "b", "--until", "2999-01-01"),
            "check 'absent': allowed are",
        ),
        (
            ("quality", "accept", "fact_orders_status", "--who", "a", "--why", "b", "--until", "2020-01-01"),
            "until 2020-01-01 00:00 UTC is over",
        ),
        (("batch", "show", "absent"), "run 'absent' is not known; the latest: run"),
    ],
)
def test_a_wrong_name_is_answered_with_what_there_is(ecom: Ecom, failed: Steps, words: tuple, said: str):
    code, out, err = ecom(*words)
    assert (code, out) == (1, "")
    assert err.startswith("error: ")
    assert said in err
    assert err.count("\n") == 1


def test_batch_list_and_show_say_how_far_runs_came(ecom: Ecom, failed: Steps, sql: Sql):
    (listed,) = json.loads(ecom("batch", "list", "--json")[1])
    assert (listed["run_id"], listed["state"], listed["gate_failures"]) == ("run", "failed the gate", 1)
    sql("UPDATE staging.fact_orders SET quantity = 1")
    failed.gate()
    assert json.loads(ecom("batch", "show", "run", "--json")[1])["state"] == "passed the gate"
    failed.publish()
    assert "published" in ecom("batch", "list")[1]
    assert "state: published" in ecom("batch", "show", "run")[1]


def test_the_steps_exit_codes(jobs: Ecom, failed: Steps, database: PostgresSettings, sql: Sql):
    code, out, err = jobs("gate", "--run-id", "run")
    told = json.loads(out)
    assert (code, told["passed"], told["phase"]) == (3, False, "gate")
    assert [one["check_name"] for one in told["results"] if one["outcome"] == "failed"] == [
        "fact_orders_quantity"
    ]
    assert "nothing is published; look with `ecom quality show run`" in err
    assert jobs("publish", "--run-id", "run")[0] == 5
    sql("UPDATE staging.fact_orders SET quantity = 1")
    code, out, _ = jobs("gate", "--run-id", "run")
    assert (code, json.loads(out)["passed"]) == (0, True)
    assert jobs("publish", "--run-id", "run")[0] == 0
    assert jobs("check", "--run-id", "run")[0] == 0
    sql("UPDATE curated.fact_orders SET customer_key = 5 WHERE order_id = %s", uid(9000, kind=1))
    code, _, err = jobs("check", "--run-id", "run")
    assert code == 3
    assert "what run published stays published" in err
    stage(database, sql, "other")
    assert jobs("begin", "--run-id", "third", "--wait", "0")[0] == 4
    assert jobs("gate", "--run-id", "run")[0] == 5
    assert jobs("check", "--run-id", "absent")[0] == 5


def test_a_whole_run_that_fails_the_gate_frees_the_seat(
    ecom: Ecom, database: PostgresSettings, sql: Sql, monkeypatch: pytest.MonkeyPatch
):
    publish_history(database, sql)
    # Nothing is new and yesterday, by today's clock, has no orders: no Spark is needed to be refused.
    code, out, err = ecom("batch", "run", "--json")
    assert code == 3
    assert [json.loads(line).get("step", "failed") for line in out.splitlines()] == [
        "begin", "dimensions", "facts", "failed"
    ]  # fmt: skip
    assert "fact_orders_fresh failed" in err
    assert sql("SELECT released_at IS NOT NULL FROM ops.batch_seat") == [(True,)]
    assert sql("SELECT count(*) FROM ops.publications") == [(1,)]


def test_a_whole_run_of_a_backfill_goes_through(ecom: Ecom, database: PostgresSettings, sql: Sql):
    publish_history(database, sql)
    code, out, err = ecom(
        "batch", "run", "--kind", "backfill", "--from-day", "2026-03-01", "--until-day", "2026-03-02"
    )
    assert (code, "error" in err) == (0, False)
    assert [line.split(":")[0] for line in out.splitlines()] == [
        "begin", "dimensions", "facts", "gate", "publish", "check"
    ]  # fmt: skip
    assert json.loads(ecom("batch", "list", "--json")[1])[0]["state"] == "published"


@pytest.mark.parametrize(
    "words",
    [
        ("--full", "--kind", "backfill"),
        ("--kind", "daily"),
        ("--kind", "backfill"),
        ("--from-day", "2026-01-01"),
    ],
)
def test_a_run_that_makes_no_sense_is_refused_before_it_begins(ecom: Ecom, sql: Sql, words: tuple):
    assert ecom("batch", "run", *words)[0] == 2
    assert sql("SELECT * FROM ops.batch_runs") == []


def test_an_order_of_the_day_is_published_and_checked_by_both_halves(
    jobs: Ecom, database: PostgresSettings, sql: Sql
):
    publish_history(database, sql)
    orders(database, DAY, 9000)
    stage(database, sql)
    for step in ("gate", "publish", "check"):
        assert jobs(step, "--run-id", "run")[0] == 0
