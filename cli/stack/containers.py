"""A stack's containers: which there should be, by Pulumi's state, and what the engine says of each."""

import json
import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cli.stack.errors import StackError
from cli.stack.program import Pulumi

_POLL_S = 1.0
_CONTAINER = "docker:index/container:Container"


@dataclass(frozen=True)
class Container:
    """A container as it is; `state` is Docker's word, or `gone`."""

    service: str
    name: str
    state: str = "gone"
    health: str = ""
    restarts: int = 0
    started_at: str = ""

    @property
    def good(self) -> bool:
        """Whether it runs and, by its own check, works."""
        return self.state == "running" and self.health in ("", "healthy")


def named(pulumi: Pulumi) -> dict[str, str]:
    """Return the names of all services' containers, by service."""
    found = [one["outputs"] for one in _registered(pulumi)]
    return {one["hostname"]: one["name"] for one in found if _stays(one)}


def steps(pulumi: Pulumi, *, failed: bool = False) -> list[str]:
    """Return the URNs of the containers that run once, or of those among them that did not succeed."""
    once = [one for one in _registered(pulumi) if not _stays(one["outputs"])]
    return [one["urn"] for one in once if not failed or one["outputs"].get("exitCode")]


def _stays(told: dict[str, Any]) -> bool:
    return bool(told.get("mustRun", True))


def _registered(pulumi: Pulumi) -> list[dict[str, Any]]:
    deployment = pulumi.json("stack", "export").get("deployment") or {}
    return [one for one in deployment.get("resources") or () if one["type"] == _CONTAINER]


def containers(pulumi: Pulumi) -> list[Container]:
    """Return what the engine says of each container that there should be."""
    names = named(pulumi)
    known = {one["Name"].removeprefix("/"): one for one in _inspect(list(names.values()))}
    return [_container(service, name, known.get(name)) for service, name in names.items()]


def has_container(pulumi: Pulumi, service: str) -> bool:
    """Say whether the engine has the service's container, running or not."""
    name = named(pulumi).get(service)
    return bool(name) and bool(_inspect([str(name)]))


def wait_healthy(pulumi: Pulumi, patience_s: float = 300.0) -> None:
    """Wait until every service works; raise StackError naming those that do not in time."""
    deadline = time.monotonic() + patience_s
    pause = threading.Event()
    while bad := [one.service for one in containers(pulumi) if not one.good]:
        if time.monotonic() > deadline:
            raise StackError(f"not healthy after {patience_s:.0f} s: {', '.join(bad)}")
        pause.wait(_POLL_S)


def _inspect(names: Sequence[str]) -> list[dict[str, Any]]:
    if not names:
        return []
    done = run_docker("container", "inspect", *names)
    if done.returncode and "no such container" not in done.stderr.lower():
        raise StackError(" ".join(done.stderr.split()))
    return list(json.loads(done.stdout or "[]"))


def _container(service: str, name: str, told: dict[str, Any] | None) -> Container:
    if told is None:
        return Container(service, name)
    state = told["State"]
    return Container(
        service,
        name,
        state["Status"],
        (state.get("Health") or {}).get("Status", ""),
        told.get("RestartCount", 0),
        datetime.fromisoformat(state["StartedAt"]).isoformat(sep=" ", timespec="seconds"),
    )


def run_docker(*words: str) -> subprocess.CompletedProcess[str]:
    """Run the docker command; raise StackError if there is none."""
    try:
        return subprocess.run(["docker", *words], check=False, capture_output=True, text=True)
    except FileNotFoundError:
        raise StackError("there is no `docker` on PATH: https://docs.docker.com/engine/install") from None
