"""EMR Serverless on moto's server, and the tasks that ask it, in processes of their own.

moto knows applications and job runs, ends each job at once, and takes no notice of clientToken; the fixture
lets jobs run until a test ends them, and answers a known token with its job, as AWS documents it.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.emrserverless import models, responses
from moto.server import ThreadedMotoServer

from tests.dags import run_step
from tests.waiting import until

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
    asked: list[dict[str, Any]] = field(default_factory=list)
    """Bodies and parameters of the requests that moto looks at only in part."""
    cancels_at_once: bool = True
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

    def keep(self, wanted: str = "running", **more: str) -> AbstractContextManager[ForkServerProcess]:
        """Look after the streaming job once."""
        return run_step.keeping(self.folder / "task.log", self.env | more, wanted)

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


@pytest.fixture(scope="module")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in run_step.prepared(tmp_path_factory.mktemp("airflow")).items():
            patch.setenv(name, value)
        yield


@pytest.fixture
def emr(airflow: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Emr]:
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
        "ECOM_SPARK_JARS": "",
        "ECOM_SPARK_DRIVER_MEMORY": "1g",
        "ECOM_SPARK_JVM_OPTIONS": "",
        "ECOM_KAFKA_CLEANED_TOPIC": "",
        "ECOM_POSTGRES_ETL_PASSWORD_REF": f"file:{secret}",
        "ECOM_EMR_APPLICATION_ID": application,
        "ECOM_EMR_EXECUTION_ROLE_ARN": ROLE,
        "ECOM_EMR_ENTRY_POINT": "s3://bucket/pipeline/jobs/__main__.py",
        "ECOM_EMR_SUBMIT_PARAMETERS": "--conf spark.archives=s3://bucket/environment.tar.gz",
        "ECOM_EMR_STREAM_APPLICATION_ID": application,
        "ECOM_EMR_STREAM_ENTRY_POINT": "s3://bucket/stream.py",
        "ECOM_EMR_STREAM_SUBMIT_PARAMETERS": "--conf spark.executor.instances=1",
    }
    found = Emr(env, application, tmp_path)
    monkeypatch.setattr(models, "JOB_STATUS", "RUNNING")
    start = remembering(found, models.EMRServerlessBackend.start_job_run)
    monkeypatch.setattr(models.EMRServerlessBackend, "start_job_run", start)
    cancel = slowly(found, models.EMRServerlessBackend.cancel_job_run)
    monkeypatch.setattr(models.EMRServerlessBackend, "cancel_job_run", cancel)
    for name in ("start_job_run", "cancel_job_run"):
        heard = listening(found, getattr(responses.EMRServerlessResponse, name))
        monkeypatch.setattr(responses.EMRServerlessResponse, name, heard)
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
            # moto says midnight of all of them.
            known[token].created_at = known[token].updated_at = datetime.now(UTC)
        emr.before_answer()
        return known[token]

    return start_job_run


def slowly(emr: Emr, cancel: Callable[..., Any]) -> Callable[..., Any]:
    """A job that is told to stop is not gone at once, unless the test wants it so."""

    def cancel_job_run(backend: Any, application_id: str, job_run_id: str) -> Any:
        answer = cancel(backend, application_id, job_run_id)
        if not emr.cancels_at_once:
            next(job for job in emr.all_jobs if job.id == job_run_id).state = "CANCELLING"
        return answer

    return cancel_job_run


def listening(emr: Emr, answer: Callable[..., Any]) -> Callable[..., Any]:
    def listen(response: Any) -> Any:
        emr.asked.append(json.loads(response.body or "{}") | {"query": dict(response.querystring)})
        return answer(response)

    return listen
