"""What a backup says of itself: its volumes with their checksums, and of which secrets it is."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cli.stack.errors import StackError
from cli.stack.passwords import KEPT
from cli.stack.volumes import checksum

_MANIFEST = "manifest.json"


def archive_of(folder: Path, volume: str) -> Path:
    """Return where a volume's data are."""
    return folder / f"{volume}.tar.gz"


def write(folder: Path, stack: str, sums: Mapping[str, str], secrets: Mapping[str, str]) -> None:
    """Write the manifest, the last of a backup's files."""
    manifest = {"stack": stack, "volumes": sums, "secrets": _prints(secrets)}
    (folder / _MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")


def read(folder: Path) -> dict[str, Any]:
    """Return the manifest, once every archive is as it says."""
    try:
        manifest: dict[str, Any] = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
        sums = dict(manifest["volumes"])
    except (OSError, ValueError, KeyError):
        raise StackError(f"{folder}: is no whole backup, {_MANIFEST} is missing in it or damaged") from None
    for name, expected in sums.items():
        archive = archive_of(folder, name)
        if not archive.exists() or checksum(archive) != expected:
            raise StackError(f"{archive}: is missing or damaged; nothing was stopped or replaced")
    return manifest


def refuse_what_does_not_fit(
    folder: Path, manifest: Mapping[str, Any], names: list[str], secrets: Mapping[str, str]
) -> None:
    """Raise StackError if it is of other volumes, or its data can't be read with the stack's keys."""
    if sorted(names) != sorted(manifest["volumes"]):
        raise StackError(f"{folder}: holds {sorted(manifest['volumes'])}, and the stack has {names}")
    then, now = manifest["secrets"], _prints(secrets)
    if other := [name for name in KEPT if name in now and then.get(name) != now[name]]:
        raise StackError(
            f"{folder}: is of a stack with other keys ({', '.join(other)}), without which nobody can read its"
            " data: put that stack's state back first (docs/local.md)"
        )


def _prints(secrets: Mapping[str, str]) -> dict[str, str]:
    """Return what tells one secret from another, and nothing about it: each is long and random."""
    return {
        name: hashlib.sha256(f"ecom backup {name} {value}".encode()).hexdigest()
        for name, value in secrets.items()
    }
