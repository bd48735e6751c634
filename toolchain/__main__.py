"""`python -m toolchain`: find or build Pulumi's programs and print the PATH that has them."""

import argparse
import json
import os
import sys
from pathlib import Path

from toolchain.build import build, check_go
from toolchain.choice import Found, find
from toolchain.pins import ToolchainError, cache


def say(message: str) -> None:
    """Tell a person how far it is; stdout is for the answer."""
    sys.stderr.write(f"toolchain: {message}\n")


def main(arguments: list[str] | None = None) -> int:
    """Find what is there, build what is missing unless told not to; return the exit code."""
    options = _parser().parse_args(arguments)
    target = cache()
    try:
        _build_missing(find(target), target, only_find=options.find)
    except ToolchainError as error:
        say(f"error: {error}")
        return 1
    _answer(find(target), options)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="toolchain", description=__doc__)
    parser.add_argument("--find", action="store_true", help="build nothing; fail if something is missing")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print one JSON object")
    form.add_argument("--path", action="store_true", help="print nothing but the value for PATH")
    return parser


def _build_missing(found: list[Found], target: Path, *, only_find: bool) -> None:
    missing = [item for item in found if item.path is None]
    if missing and only_find:
        names = ", ".join(f"{item.tool.name} {item.tool.version} ({item.why})" for item in missing)
        raise ToolchainError(f"missing: {names}; install Pulumi, or run `make toolchain`")
    go = check_go() if missing else ""
    for number, item in enumerate(missing, start=1):
        tool = item.tool
        say(
            f"building {tool.name} {tool.version}, {number} of {len(missing)} ({item.why}); "
            f"the first time it takes some {tool.minutes:g} minutes on 2 cores"
        )
        build(tool, go, target, say)


def _answer(found: list[Found], options: argparse.Namespace) -> None:
    path = path_with(found, os.environ.get("PATH", os.defpath))
    if options.json:
        tools = {
            item.tool.name: {"version": item.tool.version, "path": str(item.path), "from": item.why}
            for item in found
        }
        sys.stdout.write(json.dumps({"path": path, "tools": tools}, indent=2) + "\n")
    elif options.path:
        sys.stdout.write(path + "\n")
    else:
        for item in found:
            say(f"{item.tool.name}: {item.path} ({item.why})")
        sys.stdout.write(f'export PATH="{path}"\n')


def path_with(found: list[Found], path: str) -> str:
    """Return `path` with the folders of what was built before it; what lies there already is left alone."""
    # Pulumi looks for its plugins in its own folder by itself.
    built = {str(item.path.parent) for item in found if item.path and item.why == "built earlier"}
    folders = path.split(os.pathsep)
    return os.pathsep.join([folder for folder in sorted(built) if folder not in folders] + folders)


if __name__ == "__main__":
    sys.exit(main())
