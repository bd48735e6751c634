"""How one unit moves from phase to phase; the supervisor calls `step` on each in turn."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from environments.embedded.child import Child, describe_exit, trim
from environments.embedded.errors import EnvironmentFailed
from environments.embedded.home import Home
from environments.embedded.logs import last_lines
from environments.embedded.service import Service, Step
from environments.embedded.state import Phase, UnitState

_TIDY_EVERY_S = 600.0


class StepRunner:
    """Runs a step's action in a thread, once."""

    stop_timeout_s = 0.0  # a step is safe to cut short: each makes its result whole or not at all

    def __init__(self, unit: Step, home: Home) -> None:
        """Prepare to run `unit`."""
        self.unit = unit
        self.state = UnitState(name=unit.name, kind="step")
        self.failure = ""
        self._thread: threading.Thread | None = None
        self._problem = ""

    @property
    def satisfied(self) -> bool:
        """Say whether units that need this one may start."""
        return self.state.phase == "done"

    @property
    def running(self) -> bool:
        """Say whether there is something to wait for when stopping."""
        return False

    def step(self, satisfied: set[str]) -> None:
        """Start the action when what it needs is there; notice its end."""
        if self.state.phase == "waiting" and satisfied.issuperset(self.unit.after):
            self.state = self.state.to("running")
            self._thread = threading.Thread(target=self._act, name=self.unit.name, daemon=True)
            self._thread.start()
        elif self.state.phase == "running" and self._thread and not self._thread.is_alive():
            self.failure = self._problem
            took = time.time() - self.state.since
            self.state = self.state.to("failed" if self.failure else "done", detail="", took=took)

    def ask_to_stop(self) -> None:
        """Do nothing: the supervisor ends the step's subprocesses."""

    def clear(self) -> None:
        """Do nothing, for the same reason."""

    def _act(self) -> None:
        try:
            self.unit.action(self._say)
        except EnvironmentFailed as error:
            self._problem = str(error)
        except Exception as error:  # the thread's only way to tell the person who waits
            self._problem = f"{self.unit.name}: {type(error).__name__}: {error}"

    def _say(self, detail: str) -> None:
        self.state = self.state.model_copy(update={"detail": detail})


class ServiceRunner:
    """Starts a service, probes it, and starts it again with back-off when it ends."""

    def __init__(self, unit: Service, home: Home) -> None:
        """Prepare to run `unit`."""
        self.unit = unit
        self.failure = ""
        self.stop_timeout_s = unit.stop_timeout_s
        self._home = home
        log = str(home.log(unit.name))
        self.state = UnitState(name=unit.name, kind="service", address=unit.address, log=log)
        self._child: Child | None = None
        self._failures = 0
        self._was_ready = False
        self._ready_since = 0.0
        self._act_at = 0.0  # when the next probe, restart or tidying is due, on the monotonic clock
        self._moves: dict[Phase, Callable[[set[str]], None]] = {
            "waiting": self._start,
            "restarting": self._start,
            "starting": self._probe,
            "ready": self._check,
        }

    @property
    def satisfied(self) -> bool:
        """Say whether units that need this one may start."""
        return self.state.phase == "ready"

    @property
    def running(self) -> bool:
        """Say whether the process is there."""
        return self._child is not None and self._child.ended() is None

    def step(self, satisfied: set[str]) -> None:
        """Do what the current phase asks for."""
        if move := self._moves.get(self.state.phase):
            move(satisfied)

    def ask_to_stop(self) -> None:
        """Ask the process to end."""
        if self._child:
            self._child.ask_to_stop()
            self._to("stopping")

    def clear(self) -> None:
        """End what is left of the process and its descendants."""
        if self._child:
            self._child.clear()
            self._child = None
        self._to("stopped", process=None)

    def _start(self, satisfied: set[str]) -> None:
        if time.monotonic() < self._act_at or not satisfied.issuperset(self.unit.after):
            return
        self._child = Child(self.unit, self._home)
        self._to("starting", process=self._child.identity, detail="")

    def _probe(self, satisfied: set[str]) -> None:
        child = self._alive()
        if child is None or time.monotonic() < self._act_at:
            return
        # Often at first, since most services come up within a second or two, then less.
        self._act_at = time.monotonic() + min(0.5, 0.05 + child.age_s / 20)
        if self.unit.ready():
            self._was_ready, self._ready_since = True, time.monotonic()
            self._to("ready", took=child.age_s, detail="")
        elif child.age_s > self.unit.ready_timeout_s:
            self._failed(f"was not ready within {self.unit.ready_timeout_s:.0f} s")

    def _check(self, satisfied: set[str]) -> None:
        if self._alive() and time.monotonic() >= self._act_at:
            self._act_at = time.monotonic() + _TIDY_EVERY_S
            with suppress(OSError):  # a log that can't be tidied is no reason to stop anything
                trim(self._home.log(self.unit.name))
                self.unit.tidy()

    def _alive(self) -> Child | None:
        assert self._child is not None  # noqa: S101 - the phase says so; this tells the type checker
        code = self._child.ended()
        if code is None:
            return self._child
        self._failed(describe_exit(code))
        return None

    def _failed(self, what: str) -> None:
        healthy_for = time.monotonic() - self._ready_since if self.state.phase == "ready" else 0.0
        self._failures = self.unit.backoff.failures(self._failures, healthy_for)
        self._child.clear() if self._child else None
        self._child = None
        delay = self.unit.backoff.delay(self._failures)
        self._act_at = time.monotonic() + delay
        detail = f"{what}; starts again in {delay:.0f} s"
        self._to("restarting", process=None, detail=detail, restarts=self.state.restarts + 1)
        if not self._was_ready and self._failures >= self.unit.first_attempts:
            log = self._home.log(self.unit.name)
            self.failure = f"{self.unit.name} {what}; the end of {log}:\n{last_lines(log, 12)}"
            self._to("failed", detail=what)

    def _to(self, phase: Phase, **changes: Any) -> None:
        self.state = self.state.to(phase, **changes)


Runner = StepRunner | ServiceRunner
