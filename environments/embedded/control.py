"""Starting, finding and stopping an environment from outside its supervisor."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from environments.embedded import process
from environments.embedded.child import leash
from environments.embedded.errors import EnvironmentFailed
from environments.embedded.files import try_lock
from environments.embedded.home import REPOSITORY, Home, default_home
from environments.embedded.leftovers import end_leftovers
from environments.embedded.logs import last_lines
from environments.embedded.platform import SERVICES, Plan, load_config
from environments.embedded.spark import COMMAND
from environments.embedded.state import State, load
from infra.platform import Platform

Watch = Callable[[State], None]
_POLL_S = 0.1
_STOP_TIMEOUT_S = 150.0


def _nobody(state: State) -> None:
    """Watch nothing."""


@dataclass(frozen=True)
class Options:
    """How to start: where, with which configuration file, and what."""

    home: Home = field(default_factory=lambda: Home(default_home()))
    config: Path | None = None
    services: tuple[str, ...] = SERVICES
    stream_command: tuple[str, ...] = COMMAND

    def arguments(self) -> list[str]:
        """Return the command line of `python -m environments.embedded` that means these options."""
        config = [f"--config={self.config.absolute()}"] if self.config else []
        command = json.dumps(self.stream_command)
        services = f"--services={','.join(self.services)}"
        return [f"--home={self.home.root}", *config, services, f"--stream-command={command}"]


def start(options: Options, watch: Watch = _nobody, *, leashed: bool = False) -> State:
    """Start a supervisor in the background and wait until everything is ready.

    `leashed`: it ends with the calling thread, however that ends. Raises EnvironmentFailed with the cause.
    """
    # A mistake there is told here, without a process of its own.
    Plan(options.home, load_config(options.config), options.services)
    options.home.create()
    with options.home.log("supervisor").open("ab") as log:
        supervisor = subprocess.Popen(
            [*_python(leashed), "-m", "environments.embedded", *options.arguments()],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=REPOSITORY,
            start_new_session=True,  # closing this terminal leaves it running
        )
    return follow(options.home, supervisor, watch)


def _python(leashed: bool) -> list[str]:
    if not leashed:
        return [sys.executable]
    return [*leash(signal.SIGTERM), sys.executable]


def follow(home: Home, supervisor: "subprocess.Popen[bytes]", watch: Watch = _nobody) -> State:
    """Wait until the supervisor reports that everything is up; raise EnvironmentFailed if it ends before."""
    pause = threading.Event()
    while True:
        ended = supervisor.poll() is not None  # looked at first: its last word is written before its end
        state = load(home)
        mine = state is not None and state.supervisor.pid == supervisor.pid
        if mine and state:
            watch(state)
            if state.phase == "up":
                return state
        if ended:
            raise EnvironmentFailed(_last_word(home, state if mine else None))
        pause.wait(_POLL_S)


def _last_word(home: Home, state: State | None) -> str:
    if state and state.error:
        return state.error
    if state and state.phase == "stopped":
        return "it was stopped before everything was up"
    return f"the supervisor ended before everything was up:\n{last_lines(home.log('supervisor'), 8)}"


def join(home: Home, watch: Watch = _nobody) -> State | None:
    """Wait for the running supervisor to come up; return its state, or None if none runs (any more)."""
    pause = threading.Event()
    while (state := load(home)) and state.running and state.phase in ("starting", "stopping"):
        watch(state)
        pause.wait(_POLL_S)
    return state if state and state.running else None


def stop(home: Home, timeout_s: float = _STOP_TIMEOUT_S) -> list[str]:
    """Stop the supervisor and whatever is left of its services; return the names of what was ended."""
    state = load(home)
    ended: list[str] = []
    if state and (supervisor := state.supervisor.find()):
        ended = [name for name, unit in state.services.items() if unit.process and unit.process.alive()]
        ended = ended or ["supervisor"]  # its services were still to come
        state.supervisor.send(signal.SIGTERM)
        pause = threading.Event()
        waited = 0.0
        while state.supervisor.alive() and waited < timeout_s:
            pause.wait(_POLL_S)
            waited += _POLL_S
        process.kill([supervisor])
    return ended + end_leftovers(home, state)


def wipe(home: Home) -> None:
    """Remove the home; raise EnvironmentFailed while it is in use, or if it is somebody else's folder."""
    if not home.root.exists():
        return
    if not home.ours:
        raise EnvironmentFailed(f"{home.root} was not made by `ecom up`, so it is not removed")
    lock = try_lock(home.lock_file)
    if lock is None:
        raise EnvironmentFailed(f"{home.root} is in use; stop it with `ecom down` first")
    try:
        shutil.rmtree(home.root)
    finally:
        os.close(lock)


@contextmanager
def running(
    home: Path,
    config: Path | None = None,
    services: Sequence[str] = SERVICES,
    stream_command: Sequence[str] = COMMAND,
    watch: Watch = _nobody,
) -> Iterator[Platform]:
    """Run an environment for the duration of a `with` block; its data stay.

    To be entered in the main thread: the supervisor ends with the thread that started it.
    """
    options = Options(Home(home), config, tuple(services), tuple(stream_command))
    try:
        platform = start(options, watch, leashed=True).platform
        assert platform is not None  # noqa: S101 - a state that is up has one
        yield platform
    finally:
        stop(options.home)
