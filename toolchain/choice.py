"""Which of the programs this machine has already: on PATH, among Pulumi's own plugins, or built earlier."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from toolchain.pins import TOOLS, Tool

_TIMEOUT_S = 30


@dataclass(frozen=True)
class Found:
    """Where a program is; `path` is None where it has to be built, and `why` says so in words."""

    tool: Tool
    path: Path | None
    why: str


def find(cache: Path) -> list[Found]:
    """Return where each program is; PATH comes first, then Pulumi's plugins, then `cache`."""
    return [_find(tool, cache) for tool in TOOLS]


def _find(tool: Tool, cache: Path) -> Found:
    refused = "not on PATH"
    on_path = shutil.which(tool.name)
    if on_path:
        refused = _why_not(tool, Path(on_path))
        if not refused:
            return Found(tool, Path(on_path), "on PATH")
    for place, why in ((_plugin(tool), "a plugin of Pulumi's"), (cache / tool.name, "built earlier")):
        if place is not None and os.access(place, os.X_OK):
            return Found(tool, place, why)
    return Found(tool, None, refused)


def _plugin(tool: Tool) -> Path | None:
    if not tool.plugin:
        return None
    home = Path(os.environ.get("PULUMI_HOME") or Path.home() / ".pulumi")
    return home / "plugins" / f"resource-{tool.plugin}-v{tool.version}" / tool.name


def _why_not(tool: Tool, path: Path) -> str:
    """Return why the program at `path` will not do; empty if it will."""
    if not tool.version_argument:
        return ""
    try:
        answer = subprocess.run(
            [str(path), tool.version_argument], capture_output=True, text=True, timeout=_TIMEOUT_S, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return f"{path} does not tell its version"
    has, needs = version_of(answer.stdout), version_of(tool.version)
    good = has == needs if tool.exact else needs <= has < (needs[0] + 1,)
    return "" if good else f"{path} is version {answer.stdout.strip()}"


def version_of(text: str) -> tuple[int, ...]:
    """Return the first version that stands in a text, as numbers; nothing if there is none."""
    match = re.search(r"(\d+)\.(\d+)\.(\d+)", text)
    return tuple(int(part) for part in match.groups()) if match else ()
