"""Run a one-off task of a stack, and wait for its end.

pulumi stack output --json -s aws | python -m environments.aws.run_task setup

It may be repeated: setup and dashboards bring things to what they should be, whatever they were.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

import boto3

_PAUSE_S, _PATIENCE_S = 5.0, 1800.0
TASKS = ("setup", "dashboards")
Pause = Callable[[float], None]


class TaskFailed(RuntimeError):
    """A task that could not be started, or ended otherwise than well; the message is one line."""


def run_task(ecs: Any, where: Mapping[str, Any], task: str, pause: Pause = time.sleep) -> str:
    """Start a task and wait until it has ended; return its ARN, raise TaskFailed."""
    answer = ecs.run_task(
        cluster=where["cluster"],
        taskDefinition=where[task],
        launchType="FARGATE",
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
    arn = str(answer["tasks"][0]["taskArn"])
    _must_be_well(task, _ended(ecs, where["cluster"], arn, pause))
    return arn


def _ended(ecs: Any, cluster: str, arn: str, pause: Pause) -> dict[str, Any]:
    for _ in range(int(_PATIENCE_S / _PAUSE_S)):
        (found,) = ecs.describe_tasks(cluster=cluster, tasks=[arn])["tasks"]
        if found["lastStatus"] == "STOPPED":
            return dict(found)
        pause(_PAUSE_S)
    raise TaskFailed(f"{arn} has not ended within {_PATIENCE_S:.0f} s")


def _must_be_well(task: str, ended: Mapping[str, Any]) -> None:
    codes = [container.get("exitCode") for container in ended["containers"]]
    if codes != [0] * len(codes) or not codes:
        why = ended.get("stoppedReason") or "see its log stream"
        raise TaskFailed(f"{task} ended with {codes}: {why} ({ended['taskArn']})")


def main(arguments: list[str] | None = None) -> int:
    """Read the stack's outputs from stdin and run the named task; return the exit code."""
    parser = argparse.ArgumentParser(prog="run_task", description=__doc__)
    parser.add_argument("task", choices=TASKS)
    task = parser.parse_args(arguments).task
    where = json.load(sys.stdin)["tasks"]
    try:
        # The cluster's ARN knows the region.
        ecs = boto3.client("ecs", region_name=where["cluster"].split(":")[3])
        sys.stderr.write(f"{task}: {run_task(ecs, where, task)} has ended well\n")
    except TaskFailed as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
