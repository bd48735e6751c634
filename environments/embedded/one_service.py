"""One running service from outside its supervisor: look at it, send it a signal, wait for it."""

import signal
import threading

from environments.embedded.errors import EnvironmentFailed
from environments.embedded.home import Home
from environments.embedded.process import Identity
from environments.embedded.state import UnitState, load

_POLL_S = 0.1


def service(home: Home, name: str) -> UnitState:
    """Return the present state of one running service; raise EnvironmentFailed if there is none."""
    state = load(home)
    if state is None or not state.running or name not in state.services:
        raise EnvironmentFailed(f"{name} does not run in {home.root}")
    return state.services[name]


def send(home: Home, name: str, number: signal.Signals = signal.SIGKILL) -> Identity:
    """Send a signal to a service's leading process (the supervisor restarts it) and return who got it."""
    found = service(home, name).process
    if found is None or not found.send(number):
        raise EnvironmentFailed(f"{name} has no process at the moment")
    return found


def wait_ready(home: Home, name: str, not_as: Identity | None = None, timeout_s: float = 120.0) -> UnitState:
    """Wait until a service is ready in another process than `not_as`, or raise EnvironmentFailed."""
    pause = threading.Event()
    waited = 0.0
    while waited < timeout_s:
        unit = service(home, name)
        if unit.phase == "ready" and unit.process != not_as and unit.process and unit.process.alive():
            return unit
        pause.wait(_POLL_S)
        waited += _POLL_S
    raise EnvironmentFailed(f"{name} was not ready within {timeout_s:.0f} s")
