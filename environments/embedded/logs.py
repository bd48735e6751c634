"""Reading the services' logs: the last lines, and what is written after them."""

import os
import time
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from environments.embedded.home import Home


def log_files(home: Home) -> dict[str, Path]:
    """Return the log file of each service that has one."""
    return {path.stem: path for path in sorted(home.logs.glob("*.log"))}


def last_lines(log: Path, count: int) -> str:
    """Return the end of a log, or a note that there is none."""
    try:
        with log.open(encoding="utf-8", errors="replace") as file:
            return "".join(deque(file, maxlen=count)).rstrip() or "(empty)"
    except FileNotFoundError:
        return "(no log)"


def remove_older(folder: Path, days: int) -> None:
    """Remove the files that were last written before so many days, and the folders that are empty then."""
    oldest = time.time() - days * 86_400
    for parent, _, files in os.walk(folder, topdown=False):
        for path in (Path(parent) / name for name in files):
            # Whoever writes the logs may remove or rename them too.
            with suppress(FileNotFoundError):
                if path.lstat().st_mtime < oldest:
                    path.unlink()
        if Path(parent) != folder:
            with suppress(OSError):
                Path(parent).rmdir()


class Tail:
    """Yields what is appended to a log, through its rotation too."""

    def __init__(self, log: Path) -> None:
        """Start at the log's present end."""
        self._log = log
        self._position = log.stat().st_size if log.exists() else 0
        self._inode = log.stat().st_ino if log.exists() else 0

    def new_lines(self) -> Iterator[str]:
        """Yield the whole lines written since the last call."""
        if not self._log.exists():
            return
        status = self._log.stat()
        if status.st_ino != self._inode or status.st_size < self._position:
            self._inode, self._position = status.st_ino, 0
        with self._log.open("rb") as file:
            file.seek(self._position)
            for line in file:
                if not line.endswith(b"\n"):
                    break  # the writer has not finished this line
                self._position += len(line)
                yield line.decode("utf-8", errors="replace").rstrip("\n")
