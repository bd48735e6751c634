"""Keep one streaming job running on EMR Serverless, and the right one.

Its name holds a hash of all that it was started with, so another program, other jars or other variables are
another job: the old one is told to stop, and only when it is gone does the new one start, from the same
checkpoint. Never two at once. The driver's JVM finishes its micro-batch before it ends
(`pipeline/stream/submitted.py`).
"""

import hashlib
import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.exceptions import (  # type: ignore[attr-defined] # 3.0 has it nowhere else
    AirflowException,
    AirflowSkipException,
)
from airflow.sdk import BaseOperator

from emr_serverless import UNDER_WAY, job_driver

if TYPE_CHECKING:
    from airflow.sdk import Context

    from pipeline.settings import EmrServerlessSettings, EmrStreamSettings

STEM = "orders-stream"
# EMR starts a failed attempt again by itself, so often an hour; then the job run has failed.
ATTEMPTS_AN_HOUR = 5
# More failed job runs than this within an hour are not a matter of trying again.
FAILED_RUNS_AN_HOUR = 3
# The driver finishes its micro-batch within 20 s of the signal.
GRACE_S = 60
_PATIENCE_S, _PAUSE_S = 900.0, 10.0
Job = dict[str, Any]


class KeepStream(BaseOperator):
    """Look once: start the job if none runs, replace one of an older version, stop it if that is wanted."""

    template_fields: Sequence[str] = ("wanted",)

    def __init__(self, *, wanted: str, **options: Any) -> None:
        """Take `running` or `stopped`, a template."""
        super().__init__(**options)
        self.wanted = wanted

    def execute(self, context: "Context") -> None:
        """Do it, and wait until it is done; raise AirflowException with what the job says if it failed."""
        from airflow.providers.amazon.aws.hooks.emr import EmrServerlessHook

        from pipeline.settings import EmrServerlessSettings, EmrStreamSettings, load

        stream = load(EmrStreamSettings)
        if not stream.application_id:
            raise AirflowSkipException(
                "ECOM_EMR_STREAM_APPLICATION_ID is empty: this environment keeps the job"
            )
        settings = load(EmrServerlessSettings)
        self._client, self._application = EmrServerlessHook().conn, stream.application_id
        wanted = _request(settings, stream)
        jobs = self._jobs()
        alive = [job for job in jobs if job["state"] in UNDER_WAY]
        kept = self._kept(alive, wanted["name"]) if self.wanted == "running" else None
        for job in alive:
            if job is not kept:
                self._stop(job)
        if self.wanted == "running":
            self._watch(kept["id"] if kept else self._start(wanted, jobs))

    def _jobs(self) -> list[Job]:
        """Return the job runs of the stream, the newest first."""
        pages = self._client.get_paginator("list_job_runs").paginate(applicationId=self._application)
        ours = [
            job for page in pages for job in page["jobRuns"] if job.get("name", "").startswith(f"{STEM}.")
        ]
        return sorted(ours, key=lambda job: job["createdAt"], reverse=True)

    def _kept(self, alive: list[Job], name: str) -> Job | None:
        return next((job for job in alive if job["name"] == name and job["state"] != "CANCELLING"), None)

    def _start(self, wanted: Job, jobs: list[Job]) -> str:
        """Start a job run after these; return its id."""
        _must_be_worth_it(jobs)
        before = jobs[0]["id"] if jobs else "first"
        if jobs:
            self.log.info("the job run before is %s: %s", jobs[0]["state"], jobs[0].get("stateDetails", ""))
        # The same when the request is repeated, another once the job run before has another after it.
        token = f"{wanted['name']}.{before}"[-64:]
        answer = self._client.start_job_run(applicationId=self._application, clientToken=token, **wanted)
        self.log.info("started job run %s of %s", answer["jobRunId"], self._application)
        return str(answer["jobRunId"])

    def _stop(self, job: Job) -> None:
        """Stop a job run gracefully, and wait until it is over."""
        self.log.info("stopping job run %s, %s", job["id"], job["name"])
        if job["state"] != "CANCELLING":
            self._client.cancel_job_run(
                applicationId=self._application, jobRunId=job["id"], shutdownGracePeriodInSeconds=GRACE_S
            )
        self._until(job["id"], lambda state: state not in UNDER_WAY, "stop")

    def _watch(self, job_id: str) -> None:
        """Wait until a job run works; raise AirflowException if it ends instead."""
        found = self._until(job_id, lambda state: state == "RUNNING" or state not in UNDER_WAY, "start")
        if found["state"] != "RUNNING":
            raise AirflowException(f"job run {job_id} is {found['state']}: {found.get('stateDetails', '')}")

    def _until(self, job_id: str, done: Any, what: str) -> Job:
        end = time.monotonic() + _PATIENCE_S
        while time.monotonic() < end:
            found: Job = self._client.get_job_run(applicationId=self._application, jobRunId=job_id)["jobRun"]
            if done(found["state"]):
                return found
            time.sleep(_PAUSE_S)  # a poll of AWS, which tells nobody by itself
        raise AirflowException(
            f"job run {job_id} did not {what} within {_PATIENCE_S:.0f} s: {found['state']}"
        )


def _request(settings: "EmrServerlessSettings", stream: "EmrStreamSettings") -> Job:
    """Return what is asked of EMR Serverless; its name tells one such request from another."""
    job = {
        "executionRoleArn": settings.execution_role_arn,
        "mode": "STREAMING",
        "retryPolicy": {"maxFailedAttemptsPerHour": ATTEMPTS_AN_HOUR},
        "jobDriver": job_driver(settings, stream.entry_point, (), stream.submit_parameters),
    }
    digest = hashlib.sha256(json.dumps(job, sort_keys=True).encode()).hexdigest()[:12]
    return {"name": f"{STEM}.{digest}", **job}


def _must_be_worth_it(jobs: list[Job]) -> None:
    since = datetime.now(UTC) - timedelta(hours=1)
    failed = [job for job in jobs if job["state"] == "FAILED" and job["updatedAt"] > since]
    if len(failed) >= FAILED_RUNS_AN_HOUR:
        why = failed[0].get("stateDetails", "")
        raise AirflowException(
            f"the job failed {len(failed)} times within an hour, and waits; the last: {why}"
        )
