"""The launcher for EMR Serverless, in processes of its own, against moto's server.

moto knows applications and job runs, ends each job at once, and takes no notice of clientToken; the fixture
lets jobs run until a test ends them, and answers a known token with its job, as AWS documents it.
"""

import shlex
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.emrserverless import models
from moto.server import ThreadedMotoServer

from tests.dags import run_step
from tests.faults.waiting import until

REGION, ACCOUNT = "eu-central-1", "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/jobs"
SECRET = "a-password-that-nobody-may-see"
Job = models.JobRun


@dataclass
class Emr:
    """One application, and what is asked of it."""

    env: dict[str, str]
    application: str
    folder: Path
    tokens: list[str] = field(default_factory=list)
    before_answer: Callable[[], None] = lambda: None

    @property
    def all_jobs(self) -> list[Job]:
        return models.emrserverless_backends[ACCOUNT][REGION].job_runs[self.application]

    @property
    def jobs(self) -> list[Job]:
        """Those of the pipeline; another's is always there."""
        return [job for job in self.all_jobs if job.name != "another"]

    def task(
        self, run_id: str = "daily.one", clear_number: int = 0
    ) -> AbstractContextManager[ForkServerProcess]:
        """Run the task's process; whatever happens, it is gone afterwards."""
        return run_step.running(self.folder / "task.log", self.env, "facts", run_id, clear_number)

    @property
    def log(self) -> str:
        log = self.folder / "task.log"
        return log.read_text(encoding="utf-8") if log.exists() else ""

    def ends(self, process: ForkServerProcess) -> int | None:
        process.join(60)
        return process.exitcode

    def waiting(self, process: ForkServerProcess) -> None:
        """Wait until the task watches its job."""

        def watches() -> bool:
            assert process.exitcode is None, self.log
            return "job run " in self.log

        until(watches, "the task watches its job", lambda: self.log, timeout_s=60)


@pytest.fixture(scope="module", autouse=True)
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in run_step.prepared(tmp_path_factory.mktemp("airflow")).items():
            patch.setenv(name, value)
        yield


@pytest.fixture
def emr(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Emr]:
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    settings = {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    client = boto3.client("emr-serverless")
    application = client.create_application(releaseLabel="emr-7.13.0", type="SPARK")["applicationId"]
    client.start_job_run(applicationId=application, executionRoleArn=ROLE, name="another")
    secret = tmp_path / "etl"
    secret.write_text(SECRET)
    env = settings | {
        "ECOM_SPARK_LAUNCHER": "emr_serverless",
        "ECOM_SPARK_MASTER": "local[*,4]",
        "ECOM_KAFKA_CLEANED_TOPIC": "",
        "ECOM_POSTGRES_ETL_PASSWORD_REF": f"file:{secret}",
        "ECOM_EMR_APPLICATION_ID": application,
        "ECOM_EMR_EXECUTION_ROLE_ARN": ROLE,
        "ECOM_EMR_ENTRY_POINT": "s3://bucket/pipeline/jobs/__main__.py",
        "ECOM_EMR_SUBMIT_PARAMETERS": "--conf spark.archives=s3://bucket/environment.tar.gz",
    }
    found = Emr(env, application, tmp_path)
    monkeypatch.setattr(models, "JOB_STATUS", "RUNNING")
    start = remembering(found, models.EMRServerlessBackend.start_job_run)
    monkeypatch.setattr(models.EMRServerlessBackend, "start_job_run", start)
    try:
        yield found
    finally:
        server.stop()


def remembering(emr: Emr, start: Callable[..., Job]) -> Callable[..., Job]:
    known: dict[str, Job] = {}

    def start_job_run(backend: Any, **request: Any) -> Job:
        token = request["client_token"]
        emr.tokens.append(token)
        if token not in known:
            known[token] = start(backend, **request)
        emr.before_answer()
        return known[token]

    return start_job_run


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
    assert len(wanted) == 4
    for kind in ("spark.emr-serverless.driverEnv.", "spark.executorEnv."):
        found = {name.removeprefix(kind): value for name, value in conf.items() if name.startswith(kind)}
        assert {name: found.get(name) for name in wanted} == wanted
        assert not [name for name in found if not name.startswith("ECOM_") or name.startswith("ECOM_EMR_")]


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
