"""`ecom --stack NAME backup | restore`: the data volumes, all of the same moment, in a folder."""

import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.stack.containers import steps, wait_healthy
from cli.stack.errors import StackError
from cli.stack.lifecycle import run_again, stack
from cli.stack.outputs import outputs
from cli.stack.passwords import KEPT, server, set_passwords
from cli.stack.program import Pulumi
from cli.stack.stopping import stopped
from cli.stack.volumes import checksum, data_volumes, pack, swap, unpack

_MANIFEST = "manifest.json"


def backup(
    folder: Annotated[Path, typer.Argument(help="A new folder; only you will be able to read it.")],
) -> None:
    """Stop the containers, copy the data volumes, start them again.

    The passwords and keys are not in it: copy the stack's state and its passphrase as well (docs/local.md).
    """
    pulumi = stack()
    if folder.exists():
        raise StackError(f"{folder}: there already; a backup wants a folder of its own")
    volumes, image, prints = data_volumes(pulumi), server(pulumi).image, _prints(_secrets(pulumi))
    # Under its own name when it is whole.
    unfinished = folder.with_name(f"{folder.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        with stopped(pulumi):
            unfinished.mkdir(mode=0o700, parents=True)
            sums = {name: pack(name, image, _archive(unfinished, name)) for name in volumes}
        manifest = {"stack": pulumi.place.name, "volumes": sums, "secrets": prints}
        (unfinished / _MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
        unfinished.rename(folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    wait_healthy(pulumi)
    typer.echo(f"{len(volumes)} volumes in {folder}")


def restore(
    folder: Annotated[Path, typer.Argument(help="What `backup` wrote.", exists=True, file_okay=False)],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before replacing the data.")] = False,
) -> None:
    """Put the data volumes back as they were; what came in since is gone.

    The passwords are today's: the server's are set, and what the data hold of older ones is written anew.
    """
    pulumi = stack()
    manifest, secrets = _read(folder), _secrets(pulumi)
    names = data_volumes(pulumi)
    _refuse_what_does_not_fit(folder, manifest, names, secrets)
    if not yes:
        typer.confirm(f"Replace all data of the stack {pulumi.place.name}?", abort=True)
    with stopped(pulumi, if_it_fails="the data are not whole; mend what is told below, and restore again"):
        _replace(pulumi, folder, names, secrets)
    if pulumi.place.rotating.exists():
        # The server has the state's passwords by now, and its clients are still to get them.
        pulumi.place.rotating.unlink()
        run_again(pulumi, ())
    wait_healthy(pulumi)
    if manifest["secrets"] != _prints(secrets):
        # What the data hold of older passwords, as Metabase does, is written anew by what runs once.
        run_again(pulumi, steps(pulumi))
    typer.echo(f"{len(names)} volumes are as they were in {folder}")


def _replace(pulumi: Pulumi, folder: Path, names: list[str], secrets: Mapping[str, str]) -> None:
    postgres = server(pulumi)
    for name in names:
        unpack(name, postgres.image, _archive(folder, name))
    for name in names:
        swap(name, postgres.image)
    set_passwords(postgres, secrets, outputs(pulumi)["env"]["ECOM_POSTGRES_ADMIN_USER"])


def _archive(folder: Path, volume: str) -> Path:
    return folder / f"{volume}.tar.gz"


def _read(folder: Path) -> dict[str, Any]:
    """Return the manifest, once every archive is as it says."""
    try:
        manifest: dict[str, Any] = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
        sums = dict(manifest["volumes"])
    except (OSError, ValueError, KeyError):
        raise StackError(f"{folder}: is no whole backup, {_MANIFEST} is missing in it or damaged") from None
    for name, expected in sums.items():
        archive = _archive(folder, name)
        if not archive.exists() or checksum(archive) != expected:
            raise StackError(f"{archive}: is missing or damaged; nothing was stopped or replaced")
    return manifest


def _refuse_what_does_not_fit(
    folder: Path, manifest: Mapping[str, Any], names: list[str], secrets: Mapping[str, str]
) -> None:
    if sorted(names) != sorted(manifest["volumes"]):
        raise StackError(f"{folder}: holds {sorted(manifest['volumes'])}, and the stack has {names}")
    then, now = manifest["secrets"], _prints(secrets)
    if other := [name for name in KEPT if name in now and then.get(name) != now[name]]:
        raise StackError(
            f"{folder}: is of a stack with other keys ({', '.join(other)}), without which nobody can read its"
            " data: put that stack's state back first (docs/local.md)"
        )


def _secrets(pulumi: Pulumi) -> dict[str, str]:
    return dict(outputs(pulumi, secrets=True)["secrets"])


def _prints(secrets: Mapping[str, str]) -> dict[str, str]:
    """Return what tells one secret from another, and nothing about it: each is long and random."""
    return {
        name: hashlib.sha256(f"ecom backup {name} {value}".encode()).hexdigest()
        for name, value in secrets.items()
    }
