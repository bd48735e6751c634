"""One-off tasks on Fargate: which there are, started and waited for."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

PAUSE_S, PATIENCE_S = 5.0, 1800.0
Pause = Callable[[float], None]


@dataclass(frozen=True)
class Kind:
    """A task definition, by its name in the stack's outputs; its container, and what that runs instead."""

    definition: str
    container: str
    command: tuple[str, ...] = ()


TASKS = {
    "migrate": Kind("setup", "setup"),
    "setup": Kind("setup", "setup"),
    "dashboards": Kind("dashboards", "provision"),
    # In the one that has the master's password: no other role may change what is in raw.
    "erase": Kind("setup", "setup", ("python", "-m", "pipeline.erase")),
    "ecom": Kind("operator", "operator", ("python", "-m", "cli")),
}


class TaskFailed(RuntimeError):
    """A task that could not be started, or ended otherwise than well; the message is one line."""


def start(ecs: Any, where: Mapping[str, Any], task: str, words: Sequence[str] = ()) -> str:
    """Start a task, with these words for its command; return its ARN, raise TaskFailed."""
    kind = TASKS[task]
    override = {"name": kind.container, "command": [*kind.command, *words]}
    answer = ecs.run_task(
        cluster=where["cluster"],
        taskDefinition=where[kind.definition],
        launchType="FARGATE",
        overrides={"containerOverrides": [override] if kind.command else []},
        networkConfiguration={
            "awsvpcConfiguration": {
                "subnets": where["subnets"],
                "securityGroups": [where["security_group"]],
                "assignPublicIp": "DISABLED",
            }
        },
    )
    if answer.get("failures") or not answer["tasks"]:
        raise TaskFailed(f"{task} was not started: {answer.get('failures')}")
    return str(answer["tasks"][0]["taskArn"])


def wait(ecs: Any, where: Mapping[str, Any], task: str, arn: str, pause: Pause = time.sleep) -> None:
    """Wait until a task has ended; raise TaskFailed unless it ended well."""
    _must_be_well(task, _ended(ecs, where["cluster"], arn, pause))


def _ended(ecs: Any, cluster: str, arn: str, pause: Pause) -> dict[str, Any]:
    for _ in range(int(PATIENCE_S / PAUSE_S)):
        (found,) = ecs.describe_tasks(cluster=cluster, tasks=[arn])["tasks"]
        if found["lastStatus"] == "STOPPED":
            return dict(found)
        pause(PAUSE_S)
    raise TaskFailed(f"{arn} has not ended within {PATIENCE_S:.0f} s")


def _must_be_well(task: str, ended: Mapping[str, Any]) -> None:
    codes = [container.get("exitCode") for container in ended["containers"]]
    if codes != [0] * len(codes) or not codes:
        why = ended.get("stoppedReason") or "see its log stream"
        raise TaskFailed(f"{task} ended with {codes}: {why} ({ended['taskArn']})")
