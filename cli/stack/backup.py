"""`ecom --stack NAME backup | restore`: the data volumes, all of the same moment, in a folder."""

import hashlib
import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.stack.containers import named, run_docker, wait_healthy
from cli.stack.errors import StackError
from cli.stack.lifecycle import stack
from cli.stack.outputs import outputs
from cli.stack.program import Pulumi

_VOLUME = "docker:index/volume:Volume"
_MANIFEST = "manifest.json"
_EMPTY_AND_FILL = "find /data -mindepth 1 -delete && tar -C /data -xzf -"


def backup(
    folder: Annotated[Path, typer.Argument(help="A new folder; only you will be able to read it.")],
) -> None:
    """Stop the containers, copy the data volumes, start them again.

    The passwords are not in it: keep the stack's passphrase (`ecom --stack NAME pulumi stack export`).
    """
    pulumi = stack()
    try:
        folder.mkdir(mode=0o700, parents=True)
    except FileExistsError:
        raise StackError(f"{folder}: there already; a backup wants a folder of its own") from None
    volumes, image = _volumes(pulumi), _image(pulumi)
    with _stopped(pulumi):
        for name in volumes:
            with (folder / f"{name}.tar.gz").open("wb") as file:
                _in_container(name, image, "tar -C /data -czf - .", stdout=file)
    manifest = {"stack": pulumi.place.name, "volumes": volumes, "admin": _print_of(pulumi)}
    (folder / _MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    typer.echo(f"{len(volumes)} volumes in {folder}")


def restore(
    folder: Annotated[Path, typer.Argument(help="What `backup` wrote.", exists=True, file_okay=False)],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before replacing the data.")] = False,
) -> None:
    """Put the data volumes back as they were; what came in since is gone."""
    pulumi = stack()
    manifest = _read(folder)
    if manifest["admin"] != _print_of(pulumi):
        raise StackError(
            f"{folder}: the admin's password is another one by now, and the data in there open only with the"
            " old; restore into a stack whose secrets have not been rotated since"
        )
    names = _volumes(pulumi)
    if sorted(names) != sorted(manifest["volumes"]):
        raise StackError(f"{folder}: holds {manifest['volumes']}, and the stack has {names}")
    if not yes:
        typer.confirm(f"Replace all data of the stack {pulumi.place.name}?", abort=True)
    image = _image(pulumi)
    with _stopped(pulumi):
        for name in names:
            with (folder / f"{name}.tar.gz").open("rb") as file:
                _in_container(name, image, _EMPTY_AND_FILL, stdin=file)
    typer.echo(f"{len(names)} volumes are as they were in {folder}")


def _read(folder: Path) -> dict[str, Any]:
    try:
        return dict(json.loads((folder / _MANIFEST).read_text(encoding="utf-8")))
    except (OSError, ValueError):
        raise StackError(f"{folder}: is no whole backup, {_MANIFEST} is missing in it") from None


def _volumes(pulumi: Pulumi) -> list[str]:
    deployment = pulumi.json("stack", "export").get("deployment") or {}
    resources = deployment.get("resources") or ()
    found = [str(one["outputs"]["name"]) for one in resources if one["type"] == _VOLUME]
    # Airflow's logs and what Spark's master remembers are not worth keeping.
    return [name for name in found if name.endswith(("-data", "-checkpoints"))]


def _image(pulumi: Pulumi) -> str:
    """Return the image of PostgreSQL's container, which is there and has what it takes."""
    done = run_docker("container", "inspect", "--format", "{{.Image}}", named(pulumi).get("postgres", ""))
    if done.returncode:
        raise StackError("the stack has no PostgreSQL container; bring it up first")
    return done.stdout.strip()


def _print_of(pulumi: Pulumi) -> str:
    """Return what tells one admin's password from another, and nothing about it: it is long and random."""
    password = outputs(pulumi, secrets=True)["secrets"]["admin"]
    return hashlib.sha256(f"ecom backup {password}".encode()).hexdigest()


@contextmanager
def _stopped(pulumi: Pulumi) -> Iterator[None]:
    """Stop all services, the last first, and start them again whatever happens."""
    names = list(named(pulumi).values())
    try:
        for name in reversed(names):
            _docker("stop", name)
        yield
    finally:
        for name in names:
            _docker("start", name)
        wait_healthy(pulumi)


def _docker(*words: str) -> None:
    done = run_docker(*words)
    if done.returncode:
        raise StackError(f"docker {words[0]}: {' '.join(done.stderr.split())}")


def _in_container(volume: str, image: str, script: str, **pipes: Any) -> None:
    words = ["docker", "run", "--rm", "--interactive", "--network", "none", "--user", "0"]
    words += ["--entrypoint", "sh", "--volume", f"{volume}:/data", image, "-c", script]
    done = subprocess.run(words, check=False, stderr=subprocess.PIPE, **pipes)
    if done.returncode:
        raise StackError(f"{volume}: {' '.join(done.stderr.decode().split())}")
