"""Processes named by pid AND start time, so that a reused pid is never mistaken for one of ours."""

import os
import signal
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import psutil
from pydantic import BaseModel, ConfigDict

from environments.embedded.home import Home

# Every process that a supervisor starts inherits this variable; it names the home and the service.
MARK = "ECOM_SUPERVISED"
# The start time is derived from the boot time, which moves a little when the clock is set.
_TOLERANCE_S = 2.0
_GONE = (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess)


class Identity(BaseModel):
    """A process, told apart from a later one with the same pid by its start time."""

    model_config = ConfigDict(frozen=True)

    pid: int
    created: float

    @classmethod
    def of(cls, pid: int) -> "Identity":
        """Return the identity of a running process; raise psutil.NoSuchProcess if it is gone."""
        return cls(pid=pid, created=psutil.Process(pid).create_time())

    def find(self) -> psutil.Process | None:
        """Return the process if it still runs."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.created) < _TOLERANCE_S
            return process if same and process.status() != psutil.STATUS_ZOMBIE else None
        except _GONE:
            return None

    def alive(self) -> bool:
        """Say whether the process still runs."""
        return self.find() is not None

    def replaced(self) -> bool:
        """Say whether another process has this pid by now."""
        try:
            return abs(psutil.Process(self.pid).create_time() - self.created) >= _TOLERANCE_S
        except _GONE:
            return False

    def send(self, number: signal.Signals) -> bool:
        """Send a signal; return False if the process is gone."""
        process = self.find()
        if process is None:
            return False
        try:
            process.send_signal(number)
        except _GONE:
            return False
        return True


def inherited(without: tuple[str, ...] = ()) -> dict[str, str]:
    """Return this process's variables, apart from those whose names begin so."""
    return {name: value for name, value in os.environ.items() if not (without and name.startswith(without))}


def mark(home: Home, service: str) -> str:
    """Return the value of MARK for one service of one home."""
    return f"{home.root}|{service}"


def members(home: Home, service: str | None = None) -> list[psutil.Process]:
    """Return the live processes of a home's services (or of one), whichever supervisor started them."""
    marked = {each.pid: each for each in psutil.process_iter() if _belongs(each, home, service)}
    leaders = [Identity(pid=each.pid, created=each.create_time()) for each in marked.values()]
    return list((marked | {each.pid: each for each in sessions(leaders)}).values())


def sessions(leaders: Iterable[Identity]) -> list[psutil.Process]:
    """Return what runs in the sessions of these processes, also where they themselves are gone.

    Nothing else finds an orphan that hides its environment, as Airflow's tasks do from everybody but root.
    """
    led = {leader.pid: leader for leader in leaders if leader.created >= _began() and not leader.replaced()}
    return [each for each in psutil.process_iter() if each.pid != os.getpid() and _is_led(each, led)]


def _began() -> float:
    """Return when this boot or container began: numbers of processes from before it mean others by now."""
    return psutil.Process(1).create_time() - _TOLERANCE_S


def _is_led(process: psutil.Process, leaders: Mapping[int, Identity]) -> bool:
    try:
        leader = leaders.get(os.getsid(process.pid))
        younger = leader is not None and process.create_time() >= leader.created - _TOLERANCE_S
        return younger and process.status() != psutil.STATUS_ZOMBIE
    except (*_GONE, OSError):
        return False


def _belongs(process: psutil.Process, home: Home, service: str | None) -> bool:
    try:
        if process.pid == os.getpid() or process.status() == psutil.STATUS_ZOMBIE:
            return False
        found = process.environ().get(MARK, "") or _postgres_mark(process, home)
    except (*_GONE, OSError):
        return False
    return found == mark(home, service) if service else found.startswith(f"{home.root}|")


def _postgres_mark(process: psutil.Process, home: Home) -> str:
    # PostgreSQL's processes write their titles over their environment, but sit in the data folder.
    if process.name().startswith("postgres") and Path(process.cwd()) == home.root / "postgres":
        return mark(home, "postgres")
    return ""


def tree(roots: Iterable[Identity]) -> list[psutil.Process]:
    """Return these processes, where alive, and all their descendants."""
    return [process for root in roots for process in _with_children(root)]


def _with_children(root: Identity) -> Iterator[psutil.Process]:
    process = root.find()
    if process is None:
        return
    with suppress(*_GONE):
        yield from process.children(recursive=True)
    yield process


def end(processes: Iterable[psutil.Process], grace_s: float) -> list[psutil.Process]:
    """Ask processes to end (SIGTERM), then force them (SIGKILL); return those that were there."""
    found = [process for process in processes if process.is_running()]
    for process in found:
        with suppress(*_GONE):
            process.terminate()
    _, stubborn = psutil.wait_procs(found, timeout=grace_s)
    kill(stubborn)
    return found


def kill(processes: Iterable[psutil.Process]) -> None:
    """End processes at once and wait until they are gone."""
    found = list(processes)
    for process in found:
        with suppress(*_GONE):
            process.kill()
    psutil.wait_procs(found, timeout=5)
