"""Commands that run once and must succeed."""

import pwd
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from environments.embedded.errors import EnvironmentFailed
from environments.embedded.process import inherited


def run(
    what: str,
    command: Sequence[str],
    log: Path,
    env: Mapping[str, str] | None = None,
    without: tuple[str, ...] = (),
    user: str = "",
    folder: Path | None = None,
) -> None:
    """Run a command, its output in `log`; raise EnvironmentFailed with its last lines if it fails.

    `without` are beginnings of variables' names that it does not inherit.
    """
    answer = subprocess.run(
        list(command),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env={**inherited(without), **(env or {})},
        # Another user may be unable to enter the folder that this process is in.
        cwd=folder or ("/" if user else None),
        check=False,
        start_new_session=True,  # a Ctrl-C in the terminal is the supervisor's to handle
        **_as_user(user),
    )
    with log.open("a", encoding="utf-8") as file:
        file.write(answer.stdout)
    if answer.returncode != 0:
        end = "\n".join(answer.stdout.strip().splitlines()[-8:])
        raise EnvironmentFailed(f"{what} failed (exit code {answer.returncode}):\n{end}")


def _as_user(user: str) -> dict[str, Any]:
    if not user:
        return {}
    entry = pwd.getpwnam(user)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
