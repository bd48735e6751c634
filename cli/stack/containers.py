"""A stack's containers: which there should be, by Pulumi's state, and what the engine says of each."""

import json
import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import typer

from cli.stack.errors import StackError
from cli.stack.program import Pulumi
from cli.stack.state import resources

_POLL_S = 1.0
# More than the longest start that any of them is given: Metabase's.
PATIENCE_S = 660.0
# Docker starts again what crashed, and nothing that somebody stopped or removed.
_ENDED = ("gone", "exited", "dead")
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


def named(pulumi: Pulumi, *, once: bool = False) -> dict[str, str]:
    """Return the names of all services' containers, by service; with `once` also of what runs once."""
    found = [one["outputs"] for one in _registered(pulumi)]
    return {one["hostname"]: one["name"] for one in found if once or _stays(one)}


def steps(pulumi: Pulumi, *, failed: bool = False) -> list[str]:
    """Return the URNs of the containers that run once, or of those among them that did not succeed."""
    once = [one for one in _registered(pulumi) if not _stays(one["outputs"])]
    return [one["urn"] for one in once if not failed or one["outputs"].get("exitCode")]


def _stays(told: dict[str, Any]) -> bool:
    return bool(told.get("mustRun", True))


def _registered(pulumi: Pulumi) -> list[dict[str, Any]]:
    return [one for one in resources(pulumi) if one["type"] == _CONTAINER]


def containers(pulumi: Pulumi) -> list[Container]:
    """Return what the engine says of each container that there should be."""
    return _as_they_are(named(pulumi))


def _as_they_are(names: dict[str, str]) -> list[Container]:
    known = {one["Name"].removeprefix("/"): one for one in _inspect(list(names.values()))}
    return [_container(service, name, known.get(name)) for service, name in names.items()]


def has_container(pulumi: Pulumi, service: str) -> bool:
    """Say whether the engine has the service's container, running or not."""
    name = named(pulumi).get(service)
    return bool(name) and bool(_inspect([str(name)]))


def wait_healthy(pulumi: Pulumi, patience_s: float = PATIENCE_S) -> list[Container]:
    """Wait until every service works, and return them; raise StackError naming those that do not in time."""
    names, deadline, pause, said = named(pulumi), time.monotonic() + patience_s, threading.Event(), ""
    while True:
        found = _as_they_are(names)
        bad = [one for one in found if not one.good]
        if not bad:
            return found
        _refuse_ended(pulumi, bad)
        services = ", ".join(one.service for one in bad)
        if time.monotonic() > deadline:
            logs = f"`ecom --stack {pulumi.place.name} logs SERVICE` shows why"
            raise StackError(f"not healthy after {patience_s:.0f} s: {services}; {logs}")
        if services != said:
            typer.echo(f"waiting until healthy: {services}", err=True)
            said = services
        pause.wait(_POLL_S)


def _refuse_ended(pulumi: Pulumi, found: Sequence[Container]) -> None:
    if ended := [f"{one.service} ({one.state})" for one in found if one.state in _ENDED]:
        raise StackError(f"not running: {', '.join(ended)}; {made_again(pulumi)}")


def made_again(pulumi: Pulumi) -> str:
    """Say what makes containers that ended or are gone."""
    return f"`ecom --stack {pulumi.place.name} pulumi refresh --yes`, then `up`, makes them"


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
        # In a session of its own: what a terminal sends is for us to judge, who may have to let it finish.
        return subprocess.run(
            ["docker", *words], check=False, capture_output=True, text=True, start_new_session=True
        )
    except FileNotFoundError:
        raise StackError("there is no `docker` on PATH: https://docs.docker.com/engine/install") from None
