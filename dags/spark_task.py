"""How a Spark job of the pipeline is launched: the only file that knows.

`ECOM_SPARK_LAUNCHER` chooses: `local` runs the step here, driver and executors in one process; `submit` gives
it to `spark-submit`, for a standalone master; `emr_serverless` starts a job run of an EMR Serverless
application and waits for it. A retry joins the job run that an earlier try left running, and starts a new one
only after its end; the step's own lock in the warehouse has the last word.
"""

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from airflow.exceptions import AirflowFailException
from airflow.sdk import BaseOperator

from batch_process import here, nothing, run

if TYPE_CHECKING:
    from airflow.providers.amazon.aws.hooks.emr import EmrServerlessHook
    from airflow.sdk import Context

    from pipeline.settings import EmrServerlessSettings

LAUNCHER_VARIABLE = "ECOM_SPARK_LAUNCHER"
# States of an EMR Serverless job run that is not over.
_UNDER_WAY = ("SUBMITTED", "QUEUED", "PENDING", "SCHEDULED", "RUNNING", "CANCELLING")
_EMR_NAME_LENGTH = 64
_POLL = {"Delay": 15, "MaxAttempts": 480}


class SparkStep(BaseOperator):
    """Run a step of the batch that needs Spark, e.g. `facts`, on whatever Spark this platform has.

    Raises AirflowFailException where a retry can't help, AirflowException otherwise.
    """

    template_fields: Sequence[str] = ("run_id",)

    def __init__(self, *, step: str, run_id: str, **options: Any) -> None:
        """Take the step's name and the batch run's id, a template."""
        super().__init__(**options)
        self.step = step
        self.run_id = run_id
        self._stop: Callable[[], None] = nothing

    def execute(self, context: "Context") -> None:
        """Launch the step, and wait until it is done."""
        chosen = os.environ.get(LAUNCHER_VARIABLE, "")
        launch = _LAUNCHERS.get(chosen)
        if launch is None:
            allowed = ", ".join(_LAUNCHERS)
            raise AirflowFailException(
                f"{LAUNCHER_VARIABLE}={chosen!r} in the environment: allowed are {allowed}"
            )
        launch(self)

    def on_kill(self) -> None:
        """End the job with the task."""
        self._stop()

    def started(self, stop: Callable[[], None]) -> None:
        """Remember how to end what was launched."""
        self._stop = stop


def _local(task: SparkStep) -> None:
    run(here(task.step, "--run-id", task.run_id), task.started)


def _submit(task: SparkStep) -> None:
    from pipeline.jobs import __file__ as package
    from pipeline.settings import SparkSettings, load

    settings = load(SparkSettings)
    options = {
        "--master": settings.master,
        "--deploy-mode": "client",
        "--name": f"ecom-{task.step}",
        "--driver-memory": settings.driver_memory,
        "--jars": settings.jars,
    }
    words = [word for option, value in options.items() if value for word in (option, value)]
    program = package.replace("__init__.py", "__main__.py")
    run(["spark-submit", *words, program, task.step, "--run-id", task.run_id], task.started)


def _emr_serverless(task: SparkStep) -> None:
    from airflow.providers.amazon.aws.hooks.emr import EmrServerlessHook

    from pipeline.settings import EmrServerlessSettings, load

    settings, hook = load(EmrServerlessSettings), EmrServerlessHook()
    application = settings.application_id
    job = _join_or_start(hook, settings, task)
    task.log.info("job run %s of application %s", job, application)
    task.started(lambda: hook.conn.cancel_job_run(applicationId=application, jobRunId=job))
    waiter = hook.get_waiter("serverless_job_completed")
    waiter.wait(applicationId=application, jobRunId=job, WaiterConfig=_POLL)


def _join_or_start(hook: "EmrServerlessHook", settings: "EmrServerlessSettings", task: SparkStep) -> str:
    """Return the job run that an earlier try left under way, or a new one."""
    name = _emr_name(f"{task.run_id}.{task.step}")
    pages = hook.conn.get_paginator("list_job_runs").paginate(applicationId=settings.application_id)
    earlier = [found for page in pages for found in page["jobRuns"] if found.get("name") == name]
    for found in earlier:
        if found["state"] in _UNDER_WAY:
            return str(found["id"])
    answer = hook.conn.start_job_run(
        applicationId=settings.application_id,
        executionRoleArn=settings.execution_role_arn,
        # The same when the request is repeated, another once the job runs before this one have ended.
        clientToken=_emr_name(f"{name}.{len(earlier)}"),
        name=name,
        jobDriver={
            "sparkSubmit": {
                "entryPoint": settings.entry_point,
                "entryPointArguments": [task.step, "--run-id", task.run_id],
                "sparkSubmitParameters": settings.submit_parameters,
            }
        },
    )
    return str(answer["jobRunId"])


def _emr_name(name: str) -> str:
    """Return a name that EMR Serverless takes; the end of a long one is what tells runs apart."""
    return "".join(letter if letter.isalnum() or letter in "._-" else "-" for letter in name)[
        -_EMR_NAME_LENGTH:
    ]


_LAUNCHERS: dict[str, Callable[[SparkStep], None]] = {
    "local": _local,
    "submit": _submit,
    "emr_serverless": _emr_serverless,
}
