"""What a stack says of itself, and how a command of ours works against it."""

import atexit
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cli.stack.containers import named
from cli.stack.environment import docker_stack
from cli.stack.errors import StackError
from cli.stack.program import Pulumi

_INSIDE = "file:/run/secrets/"


def outputs(pulumi: Pulumi, *, secrets: bool = False) -> dict[str, Any]:
    """Return the stack's outputs; raise StackError if it is not up."""
    words = ["stack", "output", "--json", *(["--show-secrets"] if secrets else [])]
    found: dict[str, Any] = pulumi.json(*words)
    if "env" not in found:
        raise not_up(pulumi.place.name)
    return found


def not_up(name: str) -> StackError:
    """Return what is raised for a stack that has no containers."""
    return StackError(f"the stack {name} is not up: `ecom --stack {name} up`, or `pulumi up -s {name}`")


def use_stack(name: str) -> None:
    """Put the stack's variables in the place of any others, with its secrets in files while we run."""
    pulumi = docker_stack(name)
    if not named(pulumi):
        # After `down` its outputs are still there, and whatever else has its ports would be asked.
        raise not_up(name)
    found = outputs(pulumi, secrets=True)
    env: dict[str, str] = found["env"]
    inside = {
        variable: value.removeprefix(_INSIDE)
        for variable, value in env.items()
        if variable.endswith("_REF") and value.startswith(_INSIDE)
    }
    wanted = set(inside.values())
    folder = _secret_files({name: value for name, value in found["secrets"].items() if name in wanted})
    os.environ.update(env | {variable: f"file:{folder}/{name}" for variable, name in inside.items()})


def _secret_files(values: Mapping[str, str]) -> Path:
    """Write each secret to a file that only we can read, gone when we end, also by a signal."""
    folder = Path(tempfile.mkdtemp(prefix="ecom-stack-", dir=os.environ.get("XDG_RUNTIME_DIR") or None))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    for name, value in values.items():
        (folder / name).touch(mode=0o600)
        (folder / name).write_text(value, encoding="utf-8")
    return folder
