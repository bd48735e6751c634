"""Files that are either whole or not there, and a lock between processes."""

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from environments.embedded.errors import EnvironmentFailed


def make_folder(path: Path, variable: str) -> None:
    """Make a folder and those above it; `variable` is what the user sets to have it elsewhere."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        cause = error.strerror or str(error)
        raise EnvironmentFailed(
            f"{path} can't be made: {cause}; set {variable} to a folder of your own"
        ) from None


def write_atomically(path: Path, text: str, mode: int = 0o600) -> None:
    """Write `path` so that a reader, or a crash, sees the old text or the new one, never a part."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        Path(name).chmod(mode)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def try_lock(path: Path) -> int | None:
    """Take the lock and return its descriptor, or None if another process holds it.

    The kernel drops the lock with the process, however that ends.
    """
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        if _still_there(descriptor, path):
            return descriptor
        os.close(descriptor)  # `--wipe` removed the file in between: this lock guards nothing


def _still_there(descriptor: int, path: Path) -> bool:
    try:
        return path.stat().st_ino == os.fstat(descriptor).st_ino
    except FileNotFoundError:
        return False


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock in the cache folder, waiting for whoever has it."""
    make_folder(path.parent, "ECOM_CACHE")
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
