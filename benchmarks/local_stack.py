"""The Docker environment: seconds of each kind of `up`, of our image's build, and the images' sizes.

On the images of tests/stack/images, which stand in for the official ones; ours is the same. Needs Docker.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.result import Result
from tests.stack.world import IMAGES, PREFIX, REPOSITORY, World, copy_repository, left_over

_DOCKERFILE = "environments/local/image/Dockerfile"
_NAME = "ecom-benchmark:tools"
_MB = 1e6


def run() -> list[Result]:
    """Build our image cold and warm, make a stack from it, change nothing, change a line; nothing stays."""
    if not _has_docker():
        print("local_stack: left out, because no Docker Engine answers", file=sys.stderr)
        return []
    subprocess.run([str(REPOSITORY / "tests/stack/images/build.sh")], check=True)
    folder = Path(tempfile.mkdtemp(prefix="ecom-bench-"))
    world = World(copy_repository(folder / "clone"), folder / "state")
    try:
        cold, warm = _build(world, "--no-cache"), _build(world)
        _ups(world)
        sizes = _sizes()
    finally:
        _leave_nothing(world)
        shutil.rmtree(folder, ignore_errors=True)
    builds = [Result("stack_image_cold", "s", cold), Result("stack_image_warm", "s", warm)]
    seconds = [Result(name, "s", figure) for name, figure in world.seconds.items()]
    # Each holds the one before: together they take what the largest does.
    return [*builds, Result("stack_image_size", "MB", max(sizes.values()), notes=sizes), *seconds]


def _sizes() -> dict[str, float]:
    """Return the size in MB of each image of ours that the stack runs."""
    own = PREFIX + "image-"
    names = [name for name in left_over()["images"] if name.startswith(own)]
    parts = [name.removeprefix(own).partition(":")[0] for name in names]
    # After the changed line there are two of some; they are as large as one another.
    told = [int(_docker("image", "inspect", "--format", "{{.Size}}", name)) for name in names]
    return {part: round(size / _MB) for part, size in zip(parts, told, strict=True)}


def _leave_nothing(world: World) -> None:
    """Remove what there is: a benchmark that failed has not come to all of it, and its own error counts."""
    world.ecom("down", "--wipe", "--yes")
    subprocess.run(["docker", "image", "rm", _NAME], check=False, capture_output=True)


def _ups(world: World) -> None:
    world.up("stack_up")
    world.timed("stack_up_unchanged", "up")
    with (world.clone / "pipeline" / "settings.py").open("a", encoding="utf-8") as file:
        file.write("\n# One line more.\n")
    world.timed("stack_up_one_line", "up")


def _build(world: World, *words: str) -> float:
    started = time.monotonic()
    base = ("--build-arg", f"PYTHON={IMAGES['imagePython']}")
    command = ["docker", "build", "--quiet", *words, "--file", _DOCKERFILE, "--target", "tools", *base]
    # The command's own BuildKit needs a plugin that not every machine has.
    env = os.environ | {"DOCKER_BUILDKIT": "0"}
    subprocess.run([*command, "--tag", _NAME, "."], cwd=world.clone, env=env, check=True, capture_output=True)
    return round(time.monotonic() - started, 1)


def _docker(*words: str) -> str:
    return subprocess.run(["docker", *words], check=True, capture_output=True, text=True).stdout


def _has_docker() -> bool:
    return (
        bool(shutil.which("docker"))
        and not subprocess.run(["docker", "version"], check=False, capture_output=True).returncode
    )
