"""What every job run of EMR Serverless has in common, whoever starts it."""

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipeline.settings import EmrServerlessSettings

# States of a job run that is not over.
UNDER_WAY = ("SUBMITTED", "QUEUED", "PENDING", "SCHEDULED", "RUNNING", "CANCELLING")
# EMR Serverless takes 64 characters, of which a few are counters.
_NAME_LENGTH = 56
# What makes a variable of the driver's environment, and of an executor's.
_JOB_ENV = ("spark.emr-serverless.driverEnv", "spark.executorEnv")


def job_driver(
    settings: "EmrServerlessSettings", entry_point: str, arguments: Sequence[str], more: str = ""
) -> dict[str, dict[str, Any]]:
    """Return what to run: the program, its arguments, and the contract's variables for all its processes."""
    from pipeline.settings import job_variables

    env = [f"{kind}.{name}={value}" for kind in _JOB_ENV for name, value in sorted(job_variables().items())]
    ours = shlex.join(word for one in env for word in ("--conf", one))
    submit = {
        "entryPoint": entry_point,
        "entryPointArguments": list(arguments),
        # The platform's own come last, and win.
        "sparkSubmitParameters": f"{ours} {settings.submit_parameters} {more}".strip(),
    }
    return {"sparkSubmit": submit}


def job_name(name: str) -> str:
    """Return a name that EMR Serverless takes; the end of a long one is what tells runs apart."""
    return "".join(letter if letter.isalnum() or letter in "._-" else "-" for letter in name)[-_NAME_LENGTH:]
