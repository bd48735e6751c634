"""What anybody on this machine may read of processes."""

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import psutil

HIDDEN = "(its environment is hidden)"


def process_texts(processes: Iterable[psutil.Process]) -> list[str]:
    """Return each process's arguments and variables; one that has ended meanwhile has none."""
    texts = []
    for folder in (Path("/proc") / str(found.pid) for found in processes):
        # Children that parse a DAG file come and go between the listing and the look.
        with suppress(ProcessLookupError, FileNotFoundError):
            texts.append(f"{_read(folder / 'cmdline')}\n{_environment(folder)}")
    return texts


def _environment(folder: Path) -> str:
    """Return a process's variables; those of a running task are for root alone."""
    try:
        return _read(folder / "environ")
    except PermissionError:
        return HIDDEN


def _read(path: Path) -> str:
    return path.read_bytes().decode(errors="replace")
