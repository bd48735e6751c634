"""Which environment a stack is, and what its file says beside its config; no Pulumi in here."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from infra.config import ConfigError
from infra.stack_config import CHOICE

LOCAL, AWS = "local", "aws"
ENVIRONMENTS = (LOCAL, AWS)


def environment_of(stack: str, values: Mapping[str, str], source: str) -> str:
    """Return the environment that config names, or else the stack's name; raise ConfigError for another."""
    name = stack.rpartition("/")[2]  # Pulumi also takes organization/project/stack
    chosen = values.get(CHOICE) or (AWS if name.startswith(AWS) else LOCAL)
    if chosen not in ENVIRONMENTS:
        raise ConfigError(
            f"{CHOICE} = {chosen!r} (read from {source}): allowed are {', '.join(ENVIRONMENTS)}"
        )
    return chosen


def stack_file(folder: Path, stack: str) -> Path:
    """Return where a project's folder has a stack's file."""
    return folder / f"Pulumi.{stack.rpartition('/')[2]}.yaml"


def read_stack_file(path: Path) -> dict[str, Any]:
    """Return what a stack's file says, nothing if it is not there; raise ConfigError if it can't be right.

    Pulumi reads over a key beside `config:`, where whoever uncomments a line may leave it.
    """
    if not path.exists():
        return {}
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: cannot be read as YAML: {error}") from None
    if not isinstance(found, dict):
        raise ConfigError(f"{path}: is no mapping of keys to values")
    if beside := [key for key in found if ":" in str(key)]:
        raise ConfigError(f"{', '.join(beside)} (read from {path}): belongs under `config:`, two spaces in")
    return dict(found)
