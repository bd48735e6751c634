"""Check a stack's configuration with no account and no plugin: `python -m scripts.check_stack aws`.

It reads Pulumi.STACK.yaml as the program would. What only AWS or Docker knows is left to `pulumi preview`.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from environments.aws import config as aws
from environments.local import config as local
from infra.config import ConfigError
from infra.stack_choice import AWS, environment_of, read_stack_file, stack_file

REPOSITORY = Path(__file__).resolve().parents[1]


def check(stack: str, folder: Path = REPOSITORY) -> str:
    """Return the environment that a stack's file makes it; raise ConfigError for whatever is wrong."""
    path = stack_file(folder, stack)
    if not path.exists():
        raise ConfigError(f"{path}: is not there")
    values = {key: _text(value) for key, value in (read_stack_file(path).get("config") or {}).items()}
    chosen = environment_of(stack, values, str(path))
    declared = yaml.safe_load((REPOSITORY / "Pulumi.yaml").read_text(encoding="utf-8"))["config"]
    _parse(chosen, stack, values, str(path), declared)
    return chosen


def _parse(
    chosen: str, stack: str, values: Mapping[str, str], source: str, declared: Mapping[str, Any]
) -> None:
    if chosen == AWS:
        aws.stack_name(stack)
        aws.check_region(aws.parse(values, source, declared).aws, values, source)
    else:
        local.stack_name(stack)
        local.parse(values, source, declared)


def _text(value: Any) -> str:
    """Return a value as Pulumi hands it to the program."""
    return value if isinstance(value, str) else json.dumps(value)


def main(words: list[str]) -> int:
    """Check the one stack that is named; return the exit code."""
    if len(words) != 1:
        sys.stderr.write("usage: python -m scripts.check_stack STACK, e.g. aws\n")
        return 2
    try:
        chosen = check(words[0])
    except ConfigError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    sys.stderr.write(f"Pulumi.{words[0]}.yaml is right, for the environment {chosen}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
