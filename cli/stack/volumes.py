"""The data volumes of a stack, packed and unpacked by containers of PostgreSQL's image, which is there."""

import hashlib
import subprocess
from pathlib import Path
from typing import Any

from cli.stack.containers import run_docker
from cli.stack.errors import StackError
from cli.stack.program import Pulumi
from cli.stack.state import resources

_VOLUME = "docker:index/volume:Volume"
_NEW = "/data/.ecom-new"
# Neither into a backup nor out of an older one: it could not be put in its own place.
_TAR = "tar --exclude=./.ecom-new"
_PACK = f"{_TAR} -C /data -czf - ."
# All of it lies beside the old data before any of those go; what a restore that ended half-way left goes too.
_UNPACK = f"rm -rf {_NEW} && mkdir {_NEW} && {_TAR} -C {_NEW} -xzf -"
_DISCARD = f"rm -rf {_NEW}"
_SWAP = (
    "set -e; find /data -mindepth 1 -maxdepth 1 ! -name .ecom-new -exec rm -rf {} +;"
    f" find {_NEW} -mindepth 1 -maxdepth 1 -exec mv {{}} /data/ \\; ; rmdir {_NEW}"
)


def data_volumes(pulumi: Pulumi) -> list[str]:
    """Return the names of those worth keeping; raise StackError if the engine lacks one."""
    found = [str(one["outputs"]["name"]) for one in resources(pulumi) if one["type"] == _VOLUME]
    # Airflow's logs and what Spark's master remembers are not.
    names = [name for name in found if name.endswith(("-data", "-checkpoints"))]
    if not names:
        raise StackError(f"the stack {pulumi.place.name} has no data volumes; bring it up first")
    done = run_docker("volume", "inspect", *names)
    if done.returncode:
        # `docker run` would make an empty one of that name.
        raise StackError(f"a data volume is not there: {' '.join(done.stderr.split())}")
    return names


def pack(volume: str, image: str, archive: Path) -> str:
    """Write a volume to an archive, and return the archive's checksum."""
    with archive.open("wb") as file:
        _in_container(volume, image, _PACK, stdout=file)
    return checksum(archive)


def unpack(volume: str, image: str, archive: Path) -> None:
    """Put an archive's files into the volume, beside what is in it."""
    with archive.open("rb") as file:
        _in_container(volume, image, _UNPACK, stdin=file)


def discard(volume: str, image: str) -> None:
    """Take away what was unpacked, where it is not going to be used."""
    _in_container(volume, image, _DISCARD, stdin=subprocess.DEVNULL)


def swap(volume: str, image: str) -> None:
    """Put what was unpacked in the place of the volume's old data."""
    _in_container(volume, image, _SWAP, stdin=subprocess.DEVNULL)


def checksum(archive: Path) -> str:
    """Return an archive's SHA-256."""
    with archive.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _in_container(volume: str, image: str, script: str, **pipes: Any) -> None:
    words = ["docker", "run", "--rm", "--interactive", "--network", "none", "--user", "0"]
    # Or the engine would keep all that is packed a second time, as this container's log.
    words += ["--log-driver", "none"]
    words += ["--entrypoint", "sh", "--volume", f"{volume}:/data", image, "-c", script]
    done = subprocess.run(words, check=False, stderr=subprocess.PIPE, **pipes)
    if done.returncode:
        raise StackError(f"{volume}: {' '.join(done.stderr.decode().split())}")
