"""The streaming job on EMR Serverless: started, watched, replaced and stopped, against moto's server."""

from datetime import timedelta

import pytest

from tests.dags.conftest import ROLE, SECRET, Emr, Job
from tests.waiting import until


def ended(emr: Emr, wanted: str = "running", **more: str) -> int | None:
    """Look once and come to the end of it."""
    with emr.keep(wanted, **more) as process:
        return emr.ends(process)


def started(emr: Emr) -> Job:
    assert ended(emr) == 0, emr.log
    return emr.jobs[-1]


def test_it_is_started_as_a_stream_with_the_contracts_variables(emr: Emr):
    job = started(emr)
    (asked,) = emr.asked
    assert asked["mode"] == "STREAMING"
    assert asked["retryPolicy"] == {"maxFailedAttemptsPerHour": 5}
    assert asked["executionRoleArn"] == ROLE
    submit = asked["jobDriver"]["sparkSubmit"]
    assert (submit["entryPoint"], submit["entryPointArguments"]) == ("s3://bucket/stream.py", [])
    parameters = submit["sparkSubmitParameters"]
    own = (emr.env["ECOM_EMR_SUBMIT_PARAMETERS"], emr.env["ECOM_EMR_STREAM_SUBMIT_PARAMETERS"])
    assert parameters.endswith(" ".join(("", *own)))
    for kind in ("spark.emr-serverless.driverEnv", "spark.executorEnv"):
        assert f"--conf '{kind}.ECOM_SPARK_MASTER=local[*,4]'" in parameters
    assert emr.tokens == [f"{job.name}.first"]
    assert SECRET not in emr.log + str(vars(job))


def test_one_that_runs_is_left_alone(emr: Emr):
    started(emr)
    assert ended(emr) == 0, emr.log
    assert (len(emr.jobs), len(emr.tokens)) == (1, 1)


def test_it_waits_until_the_job_works_and_says_why_it_does_not(emr: Emr, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("moto.emrserverless.models.JOB_STATUS", "PENDING")
    with emr.keep() as process:
        until(lambda: bool(emr.jobs), "the job is started", lambda: emr.log)
        emr.jobs[0].state = "SCHEDULED"
        until(lambda: "started job run" in emr.log, "it is watched", lambda: emr.log)
        assert process.exitcode is None
        emr.jobs[0].state, emr.jobs[0].state_details = "FAILED", "no such archive"
        assert emr.ends(process) == 1
    assert f"job run {emr.jobs[0].id} is FAILED: no such archive" in emr.log


def test_a_request_whose_answer_was_lost_starts_no_second_job(emr: Emr):
    with emr.keep() as process:
        emr.before_answer = process.kill
        emr.ends(process)
    emr.before_answer = lambda: None
    assert len(emr.jobs) == 1
    assert ended(emr) == 0, emr.log
    assert len(emr.jobs) == 1


def test_a_list_that_is_late_is_asked_with_the_same_token(emr: Emr, monkeypatch: pytest.MonkeyPatch):
    job = started(emr)
    shown = [other for other in emr.all_jobs if other is not job]
    monkeypatch.setattr(
        "moto.emrserverless.models.EMRServerlessBackend.list_job_runs", lambda *_, **__: shown
    )
    assert ended(emr) == 0, emr.log
    assert (len(emr.jobs), emr.tokens) == (1, [f"{job.name}.first"] * 2)


@pytest.mark.parametrize("state", ["FAILED", "SUCCESS", "CANCELLED"])
def test_one_that_ended_is_started_again(state: str, emr: Emr):
    first = started(emr)
    first.state, first.state_details = state, "the driver died"
    second = started(emr)
    assert len(emr.jobs) == 2
    assert second.name == first.name
    assert emr.tokens[1] == f"{first.name}.{first.id}"
    assert f"the job run before is {state}: the driver died" in emr.log


def test_one_that_fails_again_and_again_is_not_started_again_for_an_hour(emr: Emr):
    for _ in range(3):
        job = started(emr)
        job.state, job.state_details = "FAILED", "the checkpoint is gone"
    assert ended(emr) == 1
    assert "the job failed 3 times within an hour, and waits; the last: the checkpoint is gone" in emr.log
    assert len(emr.jobs) == 3
    for job in emr.jobs:
        job.updated_at -= timedelta(hours=2)
    started(emr)
    assert len(emr.jobs) == 4


def test_an_upgrade_stops_the_old_one_gracefully_and_only_then_starts_the_new_one(emr: Emr):
    old = started(emr)
    emr.cancels_at_once = False
    upgraded = {"ECOM_EMR_SUBMIT_PARAMETERS": "--conf spark.archives=s3://bucket/newer.tar.gz"}
    with emr.keep(**upgraded) as process:
        until(lambda: old.state == "CANCELLING", "the old one is told to stop", lambda: emr.log)
        assert emr.asked[-1]["query"] == {"shutdownGracePeriodInSeconds": ["60"]}
        until(lambda: "stopping job run" in emr.log, "it is waited for", lambda: emr.log)
        assert process.exitcode is None
        assert len(emr.jobs) == 1
        old.state = "CANCELLED"
        assert emr.ends(process) == 0, emr.log
    old, new = emr.jobs
    assert new.state == "RUNNING"
    assert new.name != old.name
    # The checkpoint is one of the variables, and so is the same.
    assert "newer.tar.gz" in str(new.job_driver)


def test_one_that_is_already_stopping_is_not_told_twice(emr: Emr):
    started(emr).state = "CANCELLING"
    with emr.keep() as process:
        until(lambda: "stopping job run" in emr.log, "it is waited for", lambda: emr.log)
        emr.jobs[0].state = "CANCELLED"
        assert emr.ends(process) == 0, emr.log
    assert len(emr.jobs) == 2
    assert not [one for one in emr.asked if "shutdownGracePeriodInSeconds" in one["query"]]


def test_it_is_stopped_on_request_and_stays_so(emr: Emr):
    job = started(emr)
    for _ in range(2):
        assert ended(emr, "stopped") == 0, emr.log
        assert [each.state for each in emr.jobs] == ["CANCELLED"]
    assert job.state == "CANCELLED"


def test_where_another_keeps_the_job_it_skips(emr: Emr):
    assert ended(emr, ECOM_EMR_STREAM_APPLICATION_ID="", ECOM_EMR_STREAM_ENTRY_POINT="") == 1
    assert "AirflowSkipException: ECOM_EMR_STREAM_APPLICATION_ID is empty" in emr.log
    assert emr.jobs == []


def test_another_ones_jobs_are_none_of_its_business(emr: Emr):
    started(emr)
    assert ended(emr, "stopped") == 0, emr.log
    assert [job.state for job in emr.all_jobs if job.name == "another"] != ["CANCELLED"]
