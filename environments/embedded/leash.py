"""Become another program that ends when its supervisor does: `leash.py PARENT SIGNAL USER -- COMMAND…`.

A tiny program of its own, because code between fork and exec of a process with threads may deadlock. It
imports nothing of this project and nothing slow. USER is a name to become, or empty; that has to happen
before the death signal is set, because a change of user clears it.
"""

import ctypes
import os
import sys

_PR_SET_PDEATHSIG = 1


def _become(user: str) -> None:
    import pwd

    entry = pwd.getpwnam(user)
    os.setgroups([])
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)
    os.environ["HOME"] = entry.pw_dir


def _end_with(parent: int, number: int) -> None:
    if sys.platform != "linux":
        return  # elsewhere the next `ecom up` ends what is left
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)
    if os.getppid() != parent:
        raise SystemExit(1)  # the parent died before the signal was set


def main(arguments: list[str]) -> None:
    """Change user if asked, tie this process to its parent, and become the command."""
    parent, number, user, separator, *command = arguments
    if separator != "--" or not command:
        raise SystemExit(__doc__)
    if user:
        _become(user)
    _end_with(int(parent), int(number))
    os.execvp(command[0], command)  # noqa: S606 - the command is the supervisor's own


if __name__ == "__main__":
    main(sys.argv[1:])
