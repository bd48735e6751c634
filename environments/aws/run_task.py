"""Run a one-off task of a stack, and wait for its end.

pulumi stack output --json -s aws | python -m environments.aws.run_task setup

It may be repeated: each brings things to what they should be, whatever they were. `migrate` is `setup` alone,
ahead of an update; `setup` also starts the services anew, which read passwords at a start only and before the
first setup have neither a database nor an image; `dashboards` waits until they are up.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

import boto3

_PAUSE_S, _PATIENCE_S = 5.0, 1800.0
# Each command's task definition, by its name in the stack's outputs.
TASKS = {"migrate": "setup", "setup": "setup", "dashboards": "dashboards"}
Pause = Callable[[float], None]


class TaskFailed(RuntimeError):
    """A task that could not be started, or ended otherwise than well; the message is one line."""


def run_task(ecs: Any, where: Mapping[str, Any], task: str, pause: Pause = time.sleep) -> str:
    """Start a task and wait until it has ended; return its ARN, raise TaskFailed."""
    answer = ecs.run_task(
        cluster=where["cluster"],
        taskDefinition=where[TASKS[task]],
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


def restart_services(ecs: Any, where: Mapping[str, Any]) -> dict[str, str]:
    """Start the stack's services anew; return each one's deployment."""
    cluster, started = where["cluster"], {}
    for service in where["services"]:
        answer = ecs.update_service(cluster=cluster, service=service, forceNewDeployment=True)
        started[service] = _newest(answer["service"])
    return started


def deployments(ecs: Any, where: Mapping[str, Any]) -> dict[str, str]:
    """Return the deployment that each of the stack's services is at, or on its way to."""
    found = ecs.describe_services(cluster=where["cluster"], services=where["services"])["services"]
    return {str(service["serviceName"]): _newest(service) for service in found}


def wait_for_services(
    ecs: Any, where: Mapping[str, Any], wanted: Mapping[str, str], pause: Pause = time.sleep
) -> None:
    """Wait until these deployments are complete, which is when they are well; raise TaskFailed."""
    for _ in range(int(_PATIENCE_S / _PAUSE_S)):
        found = ecs.describe_services(cluster=where["cluster"], services=[*wanted])["services"]
        if all([_complete(service, wanted[service["serviceName"]]) for service in found]):
            return
        pause(_PAUSE_S)
    raise TaskFailed(f"{', '.join(wanted)}: not well within {_PATIENCE_S:.0f} s; see the service's events")


def _newest(service: Mapping[str, Any]) -> str:
    return next(str(one["id"]) for one in service["deployments"] if one["status"] == "PRIMARY")


def _complete(service: Mapping[str, Any], wanted: str) -> bool:
    states = {one["id"]: one["rolloutState"] for one in service["deployments"]}
    # A deployment that failed goes, and the circuit breaker's own, back to the one before, is not the same.
    if states.get(wanted, "FAILED") == "FAILED":
        raise TaskFailed(f"{service['serviceName']} did not start; see the service's events, and run setup")
    return bool(states[wanted] == "COMPLETED")


def record(outputs: Mapping[str, Any]) -> str:
    """Return what DNS must say before Metabase is found by its name; empty where it has none of its own."""
    dns = outputs.get("dns") or {}
    if not dns.get("name"):
        return ""
    return f"{dns['name']} must point at {dns['balancer']}: a CNAME, or an alias (zone {dns['zone_id']})"


def run(ecs: Any, where: Mapping[str, Any], name: str, pause: Pause = time.sleep) -> str:
    """Do what a command of TASKS means; return the task's ARN."""
    if name == "dashboards":
        wait_for_services(ecs, where, deployments(ecs, where), pause)
    arn = run_task(ecs, where, name, pause)
    if name == "setup":
        wait_for_services(ecs, where, restart_services(ecs, where), pause)
    return arn


def main(arguments: list[str] | None = None) -> int:
    """Read the stack's outputs from stdin and run the named task; return the exit code."""
    parser = argparse.ArgumentParser(prog="run_task", description=__doc__)
    parser.add_argument("task", choices=TASKS)
    task = parser.parse_args(arguments).task
    outputs = json.load(sys.stdin)
    where, needed = outputs["tasks"], record(outputs) if task == "dashboards" else ""
    if needed:
        sys.stderr.write(f"{task}: {needed}\n")
    try:
        # The cluster's ARN knows the region.
        ecs = boto3.client("ecs", region_name=where["cluster"].split(":")[3])
        sys.stderr.write(f"{task}: {run(ecs, where, task)} has ended well\n")
    except TaskFailed as error:
        sys.stderr.write(f"error: {error}{f'; does its name resolve? {needed}' if needed else ''}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
