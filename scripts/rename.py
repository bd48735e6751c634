"""Give a fork its own name: `python -m scripts.rename shop`, once, in a clean checkout.

Replaces the word `ecom` (`ECOM_`, `Ecom`) in every file that git knows: names of packages, the command,
variables, stacks, cloud resources, the warehouse's database. It is for a fork without data: what exists
already is not renamed with it.
"""

import argparse
import keyword
import re
import subprocess
import sys
from pathlib import Path

OLD = "ecom"
# Two dashes, a stack's name of at most 12 and what the load balancer adds must fit into AWS's 32.
_NAME = re.compile(r"[a-z][a-z0-9]{1,14}")
# A word or a part of one, as in `ecom_admin`, `my-ecom`, `ECOM_HOME` or a JVM's `-Decom.log.level`; not as in
# `become` or `recompute`.
_WORD = re.compile(r"(?<![a-z])ecom(?![a-z])|(?<![A-Z])ECOM(?![A-Z])|(?<![A-Za-z])Ecom(?![a-z])")


class NoName(ValueError):
    """A name that would not do; the message says why."""


def check(name: str, folder: Path) -> None:
    """Raise NoName for what is no name for a fork of the project in this folder."""
    if not _NAME.fullmatch(name):
        raise NoName(f"{name!r}: 2 to 15 small letters and digits, a letter first")
    packages = {path.parent.name for path in folder.glob("*/__init__.py")}
    if keyword.iskeyword(name) or name in packages | {"dags", "docs", "tests", "aws", "local", OLD}:
        raise NoName(f"{name!r}: is a word that the project needs")


def renamed(text: str, name: str) -> str:
    """Return a text with the word replaced, in the case that it has there."""
    forms = {OLD: name, OLD.upper(): name.upper(), OLD.title(): name.title()}
    return _WORD.sub(lambda found: forms[found[0]], text)


def rename(folder: Path, name: str) -> list[Path]:
    """Rename in every file that git knows there; return those that changed."""
    check(name, folder)
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=folder, check=True, capture_output=True, text=True)
    changed = [folder / line for line in listed.stdout.split("\0") if line and _changes(folder / line, name)]
    for path in changed:
        path.write_bytes(renamed(path.read_text(encoding="utf-8"), name).encode())
    return changed


def _changes(path: Path, name: str) -> bool:
    # This file and its test are about the old name.
    if not path.is_file() or path.is_symlink() or path.name in ("rename.py", "test_rename.py"):
        return False
    try:
        text = path.read_bytes().decode()
    except UnicodeDecodeError:
        return False
    return renamed(text, name) != text


def main(arguments: list[str] | None = None) -> int:
    """Rename the checkout that this file is in; return the exit code."""
    parser = argparse.ArgumentParser(prog="rename", description=__doc__)
    parser.add_argument("name")
    folder = Path(__file__).resolve().parents[1]
    try:
        changed = rename(folder, parser.parse_args(arguments).name)
    except NoName as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    sys.stderr.write(f"{len(changed)} files changed; now: scripts/uv lock, make format, make test\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
