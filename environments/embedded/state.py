"""What runs, written to `state.json` at each change so that other processes can read it."""

import time
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from environments.embedded.files import write_atomically
from environments.embedded.home import Home
from environments.embedded.process import Identity
from infra.platform import Platform

Phase = Literal[
    "waiting", "running", "starting", "ready", "done", "restarting", "stopping", "stopped", "failed"
]
StackPhase = Literal["starting", "up", "stopping", "stopped", "failed"]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class UnitState(_Record):
    """One service or run-once step: where it stands since when, and its process if it has one."""

    name: str
    kind: Literal["service", "step"]
    phase: Phase = "waiting"
    detail: str = ""
    since: float = 0.0
    took: float = 0.0
    process: Identity | None = None
    restarts: int = 0
    address: str = ""
    log: str = ""

    def to(self, phase: Phase, **changes: Any) -> "UnitState":
        """Return this unit in another phase, entered now."""
        return self.model_copy(update={"phase": phase, "since": time.time(), **changes})


class State(_Record):
    """The whole environment as its supervisor sees it."""

    phase: StackPhase
    supervisor: Identity
    started_at: float
    units: dict[str, UnitState] = {}
    ports: dict[str, int] = {}
    wished_ports: dict[str, int] = {}
    platform: Platform | None = None
    error: str = ""

    @property
    def running(self) -> bool:
        """Say whether the supervisor that wrote this is alive."""
        return self.supervisor.alive()

    @property
    def services(self) -> dict[str, UnitState]:
        """Return the long-running units."""
        return {name: unit for name, unit in self.units.items() if unit.kind == "service"}

    @property
    def moved(self) -> dict[str, int]:
        """Return the wished ports that others had, by the service that is on another one now."""
        return {name: wish for name, wish in self.wished_ports.items() if self.ports.get(name, wish) != wish}

    @property
    def healthy(self) -> bool:
        """Say whether everything is up: the supervisor and the process of every service."""
        units = self.services.values()
        alive = all(u.phase == "ready" and u.process is not None and u.process.alive() for u in units)
        return self.phase == "up" and self.running and alive


def save(home: Home, state: State) -> None:
    """Write the state file atomically."""
    write_atomically(home.state_file, state.model_dump_json(indent=1) + "\n")


def load(home: Home) -> State | None:
    """Return what the last supervisor wrote; None if there is nothing readable."""
    try:
        return State.model_validate_json(home.state_file.read_text(encoding="utf-8"))
    except (OSError, ValidationError):
        return None
