"""Starts units as soon as what they need is ready, restarts services that die, stops them in reverse order.

One loop in one thread looks at every unit in turn; only steps have threads of their own. Children are started
from the main thread, because Linux ends a leashed child with the thread that started it.
"""

import time
from collections.abc import Callable

import psutil

from environments.embedded import process
from environments.embedded.errors import EnvironmentFailed
from environments.embedded.home import Home
from environments.embedded.process import Identity
from environments.embedded.runner import Runner, ServiceRunner, StepRunner
from environments.embedded.service import Service, Unit, in_order
from environments.embedded.signals import StopSignals
from environments.embedded.state import StackPhase, State, save

Observer = Callable[[State], None]
# While something comes up or goes down; once everything is up, a child's end cuts the wait short.
_TICK_S, _QUIET_TICK_S = 0.1, 1.0


class Stopped(Exception):
    """A signal asked the supervisor to stop before everything was ready."""


class Supervisor:
    """Runs units until a signal asks it to stop."""

    def __init__(
        self,
        home: Home,
        signals: StopSignals,
        observer: Observer,
        ports: dict[str, int],
        wished_ports: dict[str, int] | None = None,
    ) -> None:
        """Prepare a supervisor; `observer` is told each change of state."""
        self._home = home
        self._signals = signals
        self._observer = observer
        self._runners: dict[str, Runner] = {}
        me = Identity.of(psutil.Process().pid)
        self.state = State(
            phase="starting",
            supervisor=me,
            started_at=time.time(),
            ports=ports,
            wished_ports=wished_ports or {},
        )

    def add(self, units: list[Unit]) -> None:
        """Add units; they may need each other and units added before."""
        known = [runner.unit for runner in self._runners.values()]
        for unit in in_order([*known, *units])[len(known) :]:
            make = ServiceRunner if isinstance(unit, Service) else StepRunner
            self._runners[unit.name] = make(unit, self._home)  # type: ignore[arg-type]

    def start(self) -> None:
        """Run until every unit is ready; raise EnvironmentFailed if one can't be, Stopped on a signal."""
        while not all(runner.satisfied for runner in self._runners.values()):
            self._tick(startup=True)

    def watch(self) -> None:
        """Restart what dies until a signal asks to stop."""
        self.publish(phase="up")
        while True:
            try:
                self._tick(startup=False)
            except Stopped:
                return

    def stop(self) -> None:
        """Stop the services in reverse order, at once if a second signal asks for it."""
        self.publish(phase="stopping")
        for runner in reversed(self._runners.values()):
            runner.ask_to_stop()
            self._wait_for_end(runner)
            self.publish()
        # Steps cut short may have left subprocesses behind.
        process.kill(psutil.Process().children(recursive=True))

    def publish(self, **changes: object) -> None:
        """Write the state file and tell the observer, if anything changed."""
        units = {name: runner.state for name, runner in self._runners.items()}
        state = self.state.model_copy(update={"units": units, **changes})
        if state != self.state or changes:
            self.state = state
            save(self._home, state)
            self._observer(state)

    def finish(self, phase: StackPhase, error: str = "") -> None:
        """Write the last word on this run."""
        self.publish(phase=phase, error=error)

    def _tick(self, *, startup: bool) -> None:
        satisfied = {name for name, runner in self._runners.items() if runner.satisfied}
        for runner in self._runners.values():
            runner.step(satisfied)
            if startup and runner.failure:
                self.publish()
                raise EnvironmentFailed(runner.failure)
        self.publish()
        quiet = not startup and all(runner.satisfied for runner in self._runners.values())
        self._signals.wait(_QUIET_TICK_S if quiet else _TICK_S)
        if self._signals.requested:
            raise Stopped

    def _wait_for_end(self, runner: Runner) -> None:
        deadline = time.monotonic() + runner.stop_timeout_s
        while runner.running and time.monotonic() < deadline and not self._signals.forced:
            self._signals.wait(_TICK_S)
        runner.clear()
