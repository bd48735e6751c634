"""What a killed supervisor left running, found and ended."""

from environments.embedded import process
from environments.embedded.home import Home
from environments.embedded.state import State


def end_leftovers(home: Home, state: State | None) -> list[str]:
    """End what a killed supervisor left running; return the names of the services.

    The recorded processes are found by pid and start time, others by the mark that each service inherits or
    by the session that it leads.
    """
    recorded = [unit.process for unit in state.units.values() if unit.process] if state else []
    found = [*process.tree(recorded), *process.sessions(recorded), *process.members(home)]
    left = {each.pid: each for each in found}
    if not left:
        return []
    names = (
        [unit.name for unit in state.units.values() if unit.process and unit.process.alive()] if state else []
    )
    process.end(left.values(), grace_s=10)
    # What the first round's end set free, such as a JVM whose driver died, is found by its mark.
    process.kill([*process.sessions(recorded), *process.members(home)])
    return names or ["stray processes"]
