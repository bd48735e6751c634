"""One life of an environment, from the lock to the last word in its state file."""

import os

from environments.embedded import ports
from environments.embedded.control import Options
from environments.embedded.errors import EnvironmentFailed
from environments.embedded.files import try_lock
from environments.embedded.leftovers import end_leftovers
from environments.embedded.platform import Plan, load_config, write_env_file
from environments.embedded.signals import StopSignals
from environments.embedded.state import State, load
from environments.embedded.supervisor import Observer, Stopped, Supervisor


class AlreadyRunning(Exception):
    """Another supervisor holds the lock of this home."""


def supervise(options: Options, observer: Observer) -> None:
    """Start everything, keep it running until a signal says stop, stop it.

    Raises AlreadyRunning, or EnvironmentFailed if not everything could be started.
    """
    plan = Plan(options.home, load_config(options.config), options.services, options.stream_command)
    options.home.create()
    lock = try_lock(options.home.lock_file)
    if lock is None:
        raise AlreadyRunning
    try:
        _run(plan, observer)
    finally:
        os.close(lock)


def _run(plan: Plan, observer: Observer) -> None:
    signals = StopSignals()
    before = load(plan.home)
    end_leftovers(plan.home, before)
    wished = plan.wished_ports()
    chosen = ports.choose(wished, _kept(before, wished))
    supervisor = Supervisor(plan.home, signals, observer, chosen, wished)
    error = ""
    try:
        _start(plan, supervisor, chosen)
        supervisor.watch()
    except Stopped:
        pass
    except BaseException as problem:
        error = (
            str(problem) if isinstance(problem, EnvironmentFailed) else f"{type(problem).__name__}: {problem}"
        )
        raise
    finally:
        supervisor.stop()
        supervisor.finish("failed" if error else "stopped", error)


def _kept(before: State | None, wished: dict[str, int]) -> dict[str, int]:
    """Return the last run's ports, except where another one is wished for now."""
    if before is None:
        return {}
    unchanged = {name for name, wish in wished.items() if before.wished_ports.get(name, wish) == wish}
    return {name: port for name, port in before.ports.items() if name in unchanged}


def _start(plan: Plan, supervisor: Supervisor, chosen: dict[str, int]) -> None:
    supervisor.add(plan.preparation())
    supervisor.start()
    platform = plan.platform(chosen)
    write_env_file(plan.home, platform)
    supervisor.publish(platform=platform)
    supervisor.add(plan.units(platform, chosen))
    supervisor.start()
