"""One running service: its process, whether it is ready, and its end."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from environments.embedded import process
from environments.embedded.home import Home
from environments.embedded.process import MARK, Identity
from environments.embedded.service import Service

LEASH = Path(__file__).with_name("leash.py")
_ROTATE_AT_BYTES = 20 * 1024 * 1024


def leash(number: signal.Signals, user: str = "") -> list[str]:
    """Return the words before a command that make it end, by this signal, with the process that starts it."""
    return [sys.executable, "-I", "-S", str(LEASH), str(os.getpid()), str(int(number)), user, "--"]


def rotate(log: Path) -> None:
    """Keep one older log beside a log that has grown large."""
    if log.exists() and log.stat().st_size > _ROTATE_AT_BYTES:
        log.replace(log.with_suffix(".log.1"))


def trim(log: Path) -> None:
    """Do the same while a service writes; it appends, so it goes on at the start of the emptied file."""
    if log.exists() and log.stat().st_size > _ROTATE_AT_BYTES:
        shutil.copyfile(log, log.with_suffix(".log.1"))
        os.truncate(log, 0)


class Child:
    """A started service; the supervisor owns one per service at a time."""

    def __init__(self, service: Service, home: Home) -> None:
        """Start the process in a session of its own, so that a Ctrl-C reaches only the supervisor."""
        self.service = service
        self._home = home
        service.prepare()
        rotate(home.log(service.name))
        with home.log(service.name).open("ab") as log:
            self._popen = subprocess.Popen(
                [*leash(service.stop_signal, service.user), *service.command],
                env={
                    **process.inherited(service.without),
                    **service.env,
                    MARK: process.mark(home, service.name),
                },
                cwd=service.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.started = time.monotonic()
        self.identity = Identity.of(self._popen.pid)

    def ended(self) -> int | None:
        """Return the exit code, or None while it runs."""
        return self._popen.poll()

    @property
    def age_s(self) -> float:
        """Return the seconds since the start."""
        return time.monotonic() - self.started

    def ask_to_stop(self) -> None:
        """Send the service's stop signal to its leader, which stops what it started itself."""
        if self.ended() is None:
            self._popen.send_signal(self.service.stop_signal)

    def clear(self) -> None:
        """End at once whatever is left of the service, its descendants and strays included."""
        left = process.tree([self.identity]) if self.ended() is None else []
        led = process.sessions([self.identity])
        process.kill([*left, *led, *process.members(self._home, self.service.name)])
        self._popen.wait()


def describe_exit(code: int) -> str:
    """Say in words how a process ended."""
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"was ended by signal {-code}"
