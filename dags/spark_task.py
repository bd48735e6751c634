"""How a Spark job of the pipeline is launched: the only file that knows.

`ECOM_SPARK_LAUNCHER` chooses: `local` runs the step here, driver and executors in one process; `submit` gives
it to `spark-submit`, for a standalone master whose workers have this very code and Python; `emr_serverless`
starts a job run of an EMR Serverless application and waits for it. A retry joins the job run that an earlier
try left running or done, and starts a new one only after its failure; a task that was cleared is work to be
done again. The step's own lock in the warehouse has the last word.
"""

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from airflow.exceptions import (  # type: ignore[attr-defined] # 3.0 has it nowhere else
    AirflowException,
    AirflowFailException,
)
from airflow.sdk import BaseOperator

from batch_process import failure, here, nothing, run, words
from emr_serverless import UNDER_WAY, job_driver, job_name

if TYPE_CHECKING:
    from airflow.providers.amazon.aws.hooks.emr import EmrServerlessHook
    from airflow.sdk import Context

    from pipeline.settings import EmrServerlessSettings

# How EMR Serverless tells, in the details of a failed job run, what the driver ended with.
_EXIT_CODE = re.compile(r"ExitCode: (\d+)")
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
        self._killed = False
        self.clear_number = 0

    def execute(self, context: "Context") -> None:
        """Launch the step, and wait until it is done."""
        # It grows when somebody clears tasks of the run, and stays while Airflow retries by itself.
        self.clear_number = getattr(context["dag_run"], "clear_number", None) or 0
        _LAUNCHERS[_launcher()](self)

    def on_kill(self) -> None:
        """End the job with the task."""
        self._killed = True
        self._stop()

    def started(self, stop: Callable[[], None]) -> None:
        """Remember how to end what was launched; end it at once if the task was killed meanwhile."""
        self._stop = stop
        if self._killed:
            stop()


def _launcher() -> str:
    from pipeline.settings import SettingsError, SparkSettings, load

    try:
        return load(SparkSettings).launcher
    except SettingsError as error:
        raise AirflowFailException(str(error)) from None


def _local(task: SparkStep) -> None:
    run(here(task.step, "--run-id", task.run_id), task.started)


def _submit(task: SparkStep) -> None:
    from pipeline.jobs import __file__ as package
    from pipeline.settings import SparkSettings, load

    settings = load(SparkSettings)
    options = {
        "--master": settings.master,
        "--deploy-mode": "client",
        "--driver-memory": settings.driver_memory,
        "--jars": settings.jars,
    }
    given = [word for option, value in options.items() if value for word in (option, value)]
    program = package.replace("__init__.py", "__main__.py")
    run(["spark-submit", *given, program, *words(task.step, "--run-id", task.run_id)], task.started)


def _emr_serverless(task: SparkStep) -> None:
    from airflow.providers.amazon.aws.hooks.emr import EmrServerlessHook
    from botocore.exceptions import WaiterError

    from pipeline.settings import EmrServerlessSettings, load

    settings, hook = load(EmrServerlessSettings), EmrServerlessHook()
    job = {"applicationId": settings.application_id, "jobRunId": _join_or_start(hook, settings, task)}
    # A client of its own, because a signal may come in the middle of the other one's request.
    canceller = EmrServerlessHook().conn
    task.started(lambda: canceller.cancel_job_run(**job))
    task.log.info("job run %(jobRunId)s of application %(applicationId)s", job)
    try:
        hook.get_waiter("serverless_job_completed").wait(**job, WaiterConfig=_POLL)
    except WaiterError as error:
        found = hook.conn.get_job_run(**job)["jobRun"]
        how = f"{found['state']}: {found.get('stateDetails') or error}"
        said = f"job run {job['jobRunId']} of {settings.application_id} is {how}"
        code = _EXIT_CODE.search(how)
        raise (failure(int(code[1]), said) if code else AirflowException(said)) from None


def _join_or_start(hook: "EmrServerlessHook", settings: "EmrServerlessSettings", task: SparkStep) -> str:
    """Return the job run that an earlier try left under way or done, or a new one."""
    stem = job_name(f"{task.run_id}.{task.step}")
    name = f"{stem}.{task.clear_number}"
    pages = hook.conn.get_paginator("list_job_runs").paginate(applicationId=settings.application_id)
    # Those from before the task was cleared too: one of them may still be running.
    found_runs = [found for page in pages for found in page["jobRuns"]]
    earlier = [found for found in found_runs if found.get("name", "").rpartition(".")[0] == stem]
    for found in earlier:
        if found["state"] in UNDER_WAY or (found["state"], found["name"]) == ("SUCCESS", name):
            return str(found["id"])
    answer = hook.conn.start_job_run(
        applicationId=settings.application_id,
        executionRoleArn=settings.execution_role_arn,
        # The same when the request is repeated, another once the job runs before this one have ended.
        clientToken=f"{name}.{len(earlier)}",
        name=name,
        jobDriver=job_driver(settings, settings.entry_point, words(task.step, "--run-id", task.run_id)),
    )
    return str(answer["jobRunId"])


_LAUNCHERS: dict[str, Callable[[SparkStep], None]] = {
    "local": _local,
    "submit": _submit,
    "emr_serverless": _emr_serverless,
}
