"""What a newcomer would do before `pulumi up`: a backend, a passphrase, a stack, its configuration."""

import shutil
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import yaml

from cli.stack.environment import full
from cli.stack.errors import StackError
from cli.stack.program import REPOSITORY, Pulumi
from infra.stack_choice import read_stack_file, stack_file

_SALT = "encryptionsalt"


def pairs(given: Sequence[str]) -> dict[str, str]:
    """Return what `KEY=VALUE`, or `KEY=` to forget one, say; raise StackError for anything else."""
    return dict(_pair(one) for one in given)


def prepare(pulumi: Pulumi, given: Mapping[str, str] = MappingProxyType({}), *, anew: bool = False) -> None:
    """Make what is missing, and write the configuration with what is given; an empty value forgets a key.

    A stack of that name in the caller's own log-in is theirs, and nothing is made. With `anew` the backend is
    known to have none.
    """
    place = pulumi.place
    if not place.passphrase.exists() and pulumi.exists():
        if given:
            instead = f"`pulumi config set KEY VALUE -s {place.name}`"
            raise StackError(f"--set: {place.name} is in a backend of your own: {instead}")
        return
    place.make()
    if anew or not place.config.exists():
        _init(pulumi)
    _configure(pulumi, given)


def find(pulumi: Pulumi) -> None:
    """Write the configuration of a stack of ours; raise NoSuchStack if there is none, and make nothing."""
    pulumi.ask("stack", "export")
    if pulumi.place.config.exists():
        _configure(pulumi, {})


def _configure(pulumi: Pulumi, given: Mapping[str, str]) -> None:
    kept = {key: value for key, value in (pulumi.place.kept() | dict(given)).items() if value}
    pulumi.place.keep(kept)
    _write(pulumi, kept)


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise StackError(f"--set {text!r}: KEY=VALUE is wanted; `KEY=` forgets an earlier one")
    return key, value


def _init(pulumi: Pulumi) -> None:
    """Make the stack from a folder of its own: Pulumi writes the salt beside the project's file."""
    folder = pulumi.place.folder / "project"
    folder.mkdir(exist_ok=True)
    shutil.copyfile(REPOSITORY / "Pulumi.yaml", folder / "Pulumi.yaml")
    try:
        pulumi.ask("stack", "init", pulumi.place.name, "--no-select", "--non-interactive", folder=folder)
    except StackError as error:
        # An earlier one may have ended before its salt was put where we look for it.
        if "already exists" not in str(error):
            raise
    written = folder / pulumi.place.config.name
    if written.exists():
        shutil.copyfile(written, pulumi.place.config)


def _write(pulumi: Pulumi, kept: Mapping[str, str]) -> None:
    """Write the committed configuration with what was given on top, and the salt."""
    config = pulumi.place.config
    theirs = read_stack_file(stack_file(REPOSITORY, pulumi.place.name))
    values: dict[str, Any] = dict(theirs.get("config") or {})
    values |= {full(key): value for key, value in kept.items()}
    found = read_stack_file(config).get(_SALT) or theirs.get(_SALT)
    salt = {_SALT: found} if found else {}
    new = yaml.safe_dump({**salt, "config": values})
    temporary = config.with_suffix(".new")
    temporary.write_text(new, encoding="utf-8")
    temporary.replace(config)
