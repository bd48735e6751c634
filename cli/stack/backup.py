"""`ecom --stack NAME backup | restore`: the data volumes, all of the same moment, in a folder."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated

import typer

from cli.stack.containers import steps, wait_healthy
from cli.stack.errors import StackError
from cli.stack.lifecycle import run_again, stack
from cli.stack.manifest import archive_of, read, refuse_what_does_not_fit, write
from cli.stack.outputs import outputs
from cli.stack.passwords import Server, server, set_passwords
from cli.stack.program import Pulumi
from cli.stack.state import passwords
from cli.stack.stopping import stopped
from cli.stack.unfinished import RESTORE, ROTATION
from cli.stack.volumes import data_volumes, discard, pack, swap, unpack


def backup(
    folder: Annotated[Path, typer.Argument(help="A new folder; only you will be able to read it.")],
) -> None:
    """Stop the containers, copy the data volumes, start them again.

    The passwords and keys are not in it: copy the stack's state and its passphrase as well (docs/local.md).
    """
    pulumi = stack()
    RESTORE.refuse(pulumi.place)
    if folder.exists():
        raise StackError(f"{folder}: there already; a backup wants a folder of its own")
    volumes, image, secrets = data_volumes(pulumi), server(pulumi).image, _secrets(pulumi)
    with _whole_or_none(folder) as unfinished:
        with stopped(pulumi):
            sums = {name: pack(name, image, archive_of(unfinished, name)) for name in volumes}
        write(unfinished, pulumi.place.name, sums, secrets)
    # It is good whatever becomes of the services.
    typer.echo(f"{len(volumes)} volumes in {folder}")
    wait_healthy(pulumi)


@contextmanager
def _whole_or_none(folder: Path) -> Iterator[Path]:
    """Make a folder that gets its own name only when all of it is there."""
    unfinished = folder.with_name(f"{folder.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        unfinished.mkdir(mode=0o700, parents=True)
    except OSError as error:
        raise StackError(
            f"{unfinished}: {error.strerror}; nothing was stopped; name another folder"
        ) from None
    try:
        yield unfinished
        unfinished.rename(folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def restore(
    folder: Annotated[Path, typer.Argument(help="What `backup` wrote.", exists=True, file_okay=False)],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before replacing the data.")] = False,
) -> None:
    """Put the data volumes back as they were; what came in since is gone.

    The passwords are today's: the server's are set, and what the data hold of older ones is written anew.
    """
    pulumi = stack()
    manifest, secrets = read(folder), _secrets(pulumi)
    names = data_volumes(pulumi)
    refuse_what_does_not_fit(folder, manifest, names, secrets)
    if not yes:
        typer.confirm(f"Replace all data of the stack {pulumi.place.name}?", abort=True)
    with stopped(pulumi):
        _replace(pulumi, folder, names, secrets)
    # The server has the state's passwords by now, and an update gives them to its clients.
    ROTATION.end(pulumi.place)
    # The backup may be of an older schema, and hold older passwords, as Metabase's does: what runs once mends
    # both. Not after a wait: what needs the migrations is not healthy without them.
    run_again(pulumi, steps(pulumi))
    wait_healthy(pulumi)
    typer.echo(f"{len(names)} volumes are as they were in {folder}")


def _replace(pulumi: Pulumi, folder: Path, names: list[str], secrets: Mapping[str, str]) -> None:
    postgres, admin = server(pulumi), outputs(pulumi)["env"]["ECOM_POSTGRES_ADMIN_USER"]
    _unpack_all(postgres, folder, names)
    RESTORE.begin(pulumi.place)
    for name in names:
        swap(name, postgres.image)
    set_passwords(postgres, secrets, admin)
    RESTORE.end(pulumi.place)


def _unpack_all(postgres: Server, folder: Path, names: list[str]) -> None:
    """Put all the new data beside the old; if there is no room for it, say, the old are left as they were."""
    try:
        for name in names:
            unpack(name, postgres.image, archive_of(folder, name))
    except BaseException:
        for name in names:
            with suppress(StackError):  # the first failure is the one to tell
                discard(name, postgres.image)
        raise


def _secrets(pulumi: Pulumi) -> dict[str, str]:
    return {**outputs(pulumi, secrets=True)["secrets"], **passwords(pulumi)}
