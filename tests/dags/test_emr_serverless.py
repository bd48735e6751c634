"""The launcher for EMR Serverless, in processes of its own, against moto's server."""

import shlex
from pathlib import Path
from typing import Any

import pytest
from moto.emrserverless import models

from tests.dags.conftest import SECRET, Emr, Job


def spark_submit(job: Job) -> dict[str, Any]:
    assert job.job_driver is not None
    return job.job_driver["sparkSubmit"]


def test_a_job_is_started_watched_and_done(emr: Emr):
    with emr.task() as process:
        emr.waiting(process)
        (job,) = emr.jobs
        given = spark_submit(job)
        assert given["entryPoint"] == "s3://bucket/pipeline/jobs/__main__.py"
        assert given["entryPointArguments"] == ["--verbose", "facts", "--run-id", "daily.one"]
        assert given["sparkSubmitParameters"].endswith(f" {emr.env['ECOM_EMR_SUBMIT_PARAMETERS']}")
        assert (job.name, emr.tokens) == ("daily.one.facts.0", ["daily.one.facts.0.0"])
        assert process.exitcode is None
        job.state = "SUCCESS"
        assert emr.ends(process) == 0, emr.log
    assert SECRET not in emr.log + str(vars(job))


def test_a_job_gets_the_contracts_variables_in_driver_and_executors(emr: Emr):
    with emr.task() as process:
        emr.waiting(process)
        emr.jobs[0].state = "SUCCESS"
        assert emr.ends(process) == 0, emr.log
    words = shlex.split(spark_submit(emr.jobs[0])["sparkSubmitParameters"])
    assert words[::2] == ["--conf"] * (len(words) // 2)
    conf = dict(word.split("=", 1) for word in words[1::2])
    wanted = {
        name: value
        for name, value in emr.env.items()
        if name.startswith("ECOM_") and not name.startswith("ECOM_EMR_")
    }
    assert len(wanted) == 7
    for kind in ("spark.emr-serverless.driverEnv.", "spark.executorEnv."):
        found = {name.removeprefix(kind): value for name, value in conf.items() if name.startswith(kind)}
        assert {name: found.get(name) for name in wanted} == wanted
        assert not [name for name in found if not name.startswith("ECOM_") or name.startswith("ECOM_EMR_")]


def test_the_contract_may_be_in_its_file_alone(emr: Emr, tmp_path: Path):
    file = tmp_path / "platform.env"
    contract = {name: emr.env.pop(name) for name in [*emr.env] if name.startswith("ECOM_")}
    file.write_text("".join(f"{name}={value}\n" for name, value in contract.items()), encoding="utf-8")
    emr.env["ECOM_ENV_FILE"] = str(file)
    with emr.task() as process:
        emr.waiting(process)
        emr.jobs[0].state = "SUCCESS"
        assert emr.ends(process) == 0, emr.log


def test_a_launcher_that_there_is_not_is_no_matter_of_trying_again(emr: Emr):
    emr.env["ECOM_SPARK_LAUNCHER"] = "mainframe"
    with emr.task() as process:
        assert emr.ends(process) == 1
    assert "AirflowFailException: ECOM_SPARK_LAUNCHER='mainframe' (from the process environment)" in emr.log


@pytest.mark.parametrize(
    ("code", "means"),
    [
        (4, "another run, or an earlier try of this step, is still at work: job run "),
        (5, "AirflowFailException: this run lost its place: clear it from its first task, `begin`: job run "),
        (1, "exit code 1: job run "),
    ],
)
def test_the_exit_code_of_a_failed_job_is_understood(emr: Emr, code: int, means: str):
    with emr.task() as process:
        emr.waiting(process)
        emr.jobs[0].state = "FAILED"
        emr.jobs[0].state_details = (
            f"Job failed, please check complete logs in configured logging destination. ExitCode: {code}."
            " Last few exceptions: none..."
        )
        assert emr.ends(process) == 1
    assert f"{means}{emr.jobs[0].id} of {emr.application} is FAILED: Job failed" in emr.log
    assert ("AirflowFailException" in emr.log) == (code == 5)


def test_a_retry_joins_the_job_of_a_try_that_died(emr: Emr):
    with emr.task() as process:
        emr.waiting(process)
    with emr.task() as process:
        emr.waiting(process)
        assert process.exitcode is None
        emr.jobs[0].state = "SUCCESS"
        assert emr.ends(process) == 0, emr.log
    # One that ended while nobody watched is not done again either.
    with emr.task() as process:
        assert emr.ends(process) == 0, emr.log
    assert (len(emr.jobs), len(emr.tokens)) == (1, 1)


def test_a_retry_that_is_not_shown_the_job_yet_asks_with_the_same_token(
    emr: Emr, monkeypatch: pytest.MonkeyPatch
):
    with emr.task() as process:
        emr.waiting(process)
    shown = [job for job in emr.all_jobs if job.name == "another"]
    monkeypatch.setattr(models.EMRServerlessBackend, "list_job_runs", lambda *_, **__: shown)
    with emr.task() as process:
        emr.waiting(process)
        (job,) = emr.jobs
        assert f"job run {job.id} of" in emr.log
        job.state = "SUCCESS"
        assert emr.ends(process) == 0, emr.log
    assert emr.tokens == ["daily.one.facts.0.0"] * 2


def test_a_failed_job_says_why_and_a_retry_starts_another(emr: Emr):
    with emr.task() as process:
        emr.waiting(process)
        emr.jobs[0].state, emr.jobs[0].state_details = "FAILED", "Job execution failed: exit code 1"
        assert emr.ends(process) == 1
    line = f"job run {emr.jobs[0].id} of {emr.application} is FAILED: Job execution failed: exit code 1"
    assert line in emr.log
    with emr.task() as process:
        emr.waiting(process)
        emr.jobs[1].state = "SUCCESS"
        assert emr.ends(process) == 0, emr.log
    assert emr.tokens == ["daily.one.facts.0.0", "daily.one.facts.0.1"]


def test_a_killed_task_cancels_its_job(emr: Emr):
    with emr.task() as process:
        emr.waiting(process)
        process.terminate()
        assert emr.ends(process) == 1
    assert emr.jobs[0].state == "CANCELLED"
    assert f"job run {emr.jobs[0].id} of {emr.application} is CANCELLED" in emr.log


def test_a_task_killed_before_it_knows_its_job_cancels_it_too(emr: Emr):
    with emr.task() as process:
        emr.before_answer = process.terminate
        assert emr.ends(process) == 1
    assert [job.state for job in emr.jobs] == ["CANCELLED"]


def test_a_cleared_task_is_done_again_but_never_beside_its_older_self(emr: Emr):
    with emr.task() as process:
        emr.waiting(process)
    with emr.task(clear_number=1) as process:
        emr.waiting(process)
        emr.jobs[0].state = "SUCCESS"
        assert emr.ends(process) == 0, emr.log
    assert len(emr.jobs) == 1
    with emr.task(clear_number=2) as process:
        emr.waiting(process)
        emr.jobs[1].state = "SUCCESS"
        assert emr.ends(process) == 0, emr.log
    assert emr.tokens == ["daily.one.facts.0.0", "daily.one.facts.2.1"]


def test_a_long_run_id_makes_a_token_that_is_taken(emr: Emr):
    long = "daily_orders.manual__2026-01-01T00:00:00.000001+00:00_a-suffix-that-is-long"
    with emr.task(long) as process:
        emr.waiting(process)
        emr.jobs[0].state = "SUCCESS"
        assert emr.ends(process) == 0, emr.log
    assert emr.tokens[0].endswith("a-suffix-that-is-long.facts.0.0")
    assert long in str(emr.jobs[0].job_driver)
