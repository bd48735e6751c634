"""Run a one-off task of a stack, wait for its end, and print what it said.

pulumi stack output --json -s aws | python -m environments.aws.run_task setup
pulumi stack output --json -s aws | python -m environments.aws.run_task ecom dlq list

Each may be repeated. `migrate`, `setup` and `dashboards` bring things to what they should be, whatever they
were: `migrate` is `setup` alone, ahead of an update; `setup` also starts the services anew, which read
passwords at a start only and before the first setup have neither a database nor an image; `dashboards` waits
until they are up. `erase ID…` erases customers, as the warehouse's administrator. `ecom …` is any command of
`ecom`, with the rights of jobs.
"""

import argparse
import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from environments.aws.one_off import TASKS, Pause, TaskFailed, start, wait
from environments.aws.services import deployments, restart_services, wait_for_services
from environments.aws.task_log import said


@dataclass(frozen=True)
class Clients:
    """AWS's two services that are asked."""

    ecs: Any
    logs: Any


def record(outputs: Mapping[str, Any]) -> str:
    """Return what DNS must say before Metabase is found by its name; empty where it has none of its own."""
    dns = outputs.get("dns") or {}
    if not dns.get("name"):
        return ""
    return f"{dns['name']} must point at {dns['balancer']}: a CNAME, or an alias (zone {dns['zone_id']})"


def run(
    aws: Clients, where: Mapping[str, Any], name: str, words: Sequence[str] = (), pause: Pause = time.sleep
) -> None:
    """Do what a command of TASKS means, and print what its task said, however that ended."""
    if name == "dashboards":
        wait_for_services(aws.ecs, where, deployments(aws.ecs, where), pause)
    arn = start(aws.ecs, where, name, words)
    try:
        wait(aws.ecs, where, name, arn, pause)
    finally:
        _print_log(aws.logs, where["log_group"], TASKS[name].container, arn)
    if name == "setup":
        wait_for_services(aws.ecs, where, restart_services(aws.ecs, where), pause)


def _print_log(logs: Any, group: str, container: str, arn: str) -> None:
    """Print what a task said; that somebody may not read it changes nothing about how it ended."""
    try:
        for line in said(logs, group, container, arn):
            sys.stdout.write(f"{line}\n")
    except (BotoCoreError, ClientError) as error:
        sys.stderr.write(f"note: the log of {arn} could not be read: {error}\n")


def _asked(arguments: list[str] | None) -> tuple[str, list[str]]:
    parser = argparse.ArgumentParser(
        prog="run_task", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("task", choices=TASKS)
    parser.add_argument("words", nargs=argparse.REMAINDER, help="what `erase` and `ecom` are told")
    found = parser.parse_args(arguments)
    if bool(found.words) != bool(TASKS[found.task].command):
        parser.error(
            f"{found.task}: {'takes no words' if found.words else 'needs words, like `ecom dlq list`'}"
        )
    return found.task, found.words


def _outputs(text: str) -> dict[str, Any]:
    """Return the stack's outputs; raise TaskFailed where there are none."""
    how = "pulumi stack output --json -s STACK | python -m environments.aws.run_task …"
    try:
        found = json.loads(text)
    except ValueError:
        raise TaskFailed(f"stdin: no JSON; wanted: {how}") from None
    if not isinstance(found, dict) or "tasks" not in found:
        raise TaskFailed(f"stdin: these are not the outputs of a stack of AWS that is up; wanted: {how}")
    return found


def main(arguments: list[str] | None = None) -> int:
    """Read the stack's outputs from stdin and run the named task; return the exit code."""
    task, words = _asked(arguments)
    needed = ""
    try:
        outputs = _outputs(sys.stdin.read())
        needed = record(outputs) if task == "dashboards" else ""
        if needed:
            sys.stderr.write(f"{task}: {needed}\n")
        # The cluster's ARN knows the region.
        region = outputs["tasks"]["cluster"].split(":")[3]
        clients = Clients(*(boto3.client(name, region_name=region) for name in ("ecs", "logs")))
        run(clients, outputs["tasks"], task, words)
    except (TaskFailed, BotoCoreError, ClientError) as error:
        hint = f"; does its name resolve? {needed}" if needed and isinstance(error, TaskFailed) else ""
        sys.stderr.write(f"error: {error}{hint}\n")
        return 1
    sys.stderr.write(f"{task} has ended well\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
