"""Where a stack's state, passphrase and configuration lie: in the user's state folder by default."""

import json
import os
import re
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from cli.stack.errors import StackError

_STATE = "ECOM_STACK_STATE"
_BACKEND = "PULUMI_BACKEND_URL"
_SHARED = "backend"
# In a backend of the caller's own also organization/project/stack.
_NAME = re.compile(r"([A-Za-z0-9][\w.-]*/){0,2}[a-z][a-z0-9-]*")
_PASSPHRASES = ("PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE")


@dataclass(frozen=True)
class Place:
    """One stack's place; `root` holds the backend that all stacks of this user share."""

    name: str
    root: Path

    @property
    def folder(self) -> Path:
        """The stack's own folder."""
        return self.root / self.name

    @property
    def backend(self) -> Path:
        """Where all stacks' states lie, unless the caller names another backend."""
        return self.root / _SHARED

    @property
    def passphrase(self) -> Path:
        """The file with what encrypts the state's secrets."""
        return self.folder / "passphrase"

    @property
    def config(self) -> Path:
        """The configuration as Pulumi gets it, with the salt that it needs; the repository's has none."""
        return self.folder / f"Pulumi.{self.name}.yaml"

    @property
    def settings(self) -> Path:
        """The values given with `--set`, kept for the next time."""
        return self.folder / "settings.json"

    def make(self) -> None:
        """Make folders and passphrase; safe to repeat."""
        for folder in (self.backend, self.folder):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not self.passphrase.exists():
            # Whole or not at all: half of one could not open what it has encrypted.
            new = self.passphrase.with_name("passphrase.new")
            new.unlink(missing_ok=True)
            new.touch(mode=0o600)
            new.write_text(secrets.token_urlsafe(32), encoding="ascii")
            new.replace(self.passphrase)

    def forget(self) -> None:
        """Remove the stack's folder, and what the backend keeps of its past states."""
        past = (self.backend / ".pulumi" / kind / "ecom" / self.name for kind in ("backups", "history"))
        for folder in (self.folder, *past):
            shutil.rmtree(folder, ignore_errors=True)

    def kept(self) -> dict[str, str]:
        """Return the values given with `--set` so far."""
        if not self.settings.exists():
            return {}
        return dict(json.loads(self.settings.read_text(encoding="utf-8")))

    def keep(self, values: Mapping[str, str]) -> None:
        """Keep these values, and no others."""
        self.settings.write_text(json.dumps(dict(values), indent=2) + "\n", encoding="utf-8")


def place_of(stack: str, environ: Mapping[str, str] = os.environ) -> Place:
    """Return where the stack of this name lies; raise StackError if that can't be a folder beside others."""
    if stack.partition("/")[0] == _SHARED or not _NAME.fullmatch(stack):
        raise StackError(
            f"--stack {stack!r}: small letters, digits and dashes, a letter first, and not {_SHARED!r}, where"
            " the states of all stacks lie: choose another name"
        )
    given = environ.get(_STATE)
    root = Path(given).expanduser().absolute() if given else platformdirs.user_state_path("ecom") / "stacks"
    return Place(stack, root)


def variables(place: Place, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return what Pulumi is told of the place; what the caller told it already stays.

    Where `ecom` has made no such stack it is told nothing, and goes by its own log-in.
    """
    told = {"PULUMI_SKIP_UPDATE_CHECK": "true"}
    if not place.passphrase.exists():
        return told
    if not environ.get(_BACKEND):
        told[_BACKEND] = f"file://{place.backend}"
    if not any(environ.get(name) for name in _PASSPHRASES):
        told["PULUMI_CONFIG_PASSPHRASE_FILE"] = str(place.passphrase)
    return told


def elsewhere(place: Place, environ: Mapping[str, str] = os.environ) -> bool:
    """Say whether the caller names another backend than the one that we made for our stacks."""
    return place.passphrase.exists() and bool(environ.get(_BACKEND))
