"""The images: official ones as they are, ours built in three steps, each named by what is in it.

The name holds a hash of the content, so that a new image never takes the name of one that still runs, and
what did not change is not built again.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import pulumi
import pulumi_docker as docker

USER = "1000"  # of ours; the Dockerfile makes it
REPOSITORY = Path(__file__).resolve().parents[2]
_DOCKERFILE = "environments/local/image/Dockerfile"
_RUNTIME = ("pyproject.toml", "uv.lock", "environments/local/image")
_CODE = (
    "infra",
    "pipeline",
    "producer",
    "dashboards",
    "dags",
    "environments/__init__.py",
    "environments/local",
    "environments/aws/__init__.py",
    "environments/aws/setup",
)
_TOOLS = ("cli", "environments/embedded")
_NOT_CODE = (".pyc", ".md")


@dataclass(frozen=True)
class ImagesArgs:
    """References of the images that come from a registry, or are there already; `metabase` may be empty."""

    python: str
    postgres: str
    kafka: str
    metabase: str


class Images(pulumi.ComponentResource):
    """Image ids of the official ones, and of ours: `runtime` has Spark and Airflow, `code` our code as well,
    `tools` the `ecom` command on top, for what runs once."""

    def __init__(self, name: str, args: ImagesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ecom:local:Images", name, {}, opts)
        self.postgres = self._official(f"{name}-postgres", args.postgres)
        self.kafka = self._official(f"{name}-kafka", args.kafka)
        self.metabase = self._official(f"{name}-metabase", args.metabase) if args.metabase else None
        parts: tuple[str, ...] = ()
        made: list[docker.RemoteImage] = []
        for target, more in (("runtime", _RUNTIME), ("code", _CODE), ("tools", _TOOLS)):
            parts += more
            # One after the other: each then finds the layers of the one before.
            made.append(self._ours(f"{name}-{target}", target, args.python, parts, made[-1:]))
        self.runtime, self.code, self.tools = (image.image_id for image in made)
        self.register_outputs({})

    def _official(self, name: str, reference: str) -> pulumi.Output[str]:
        # Kept at a destroy: others may use it, and it can be a long way to get it again.
        inner = pulumi.ResourceOptions(parent=self)
        return docker.RemoteImage(name, name=reference, keep_locally=True, opts=inner).image_id

    def _ours(
        self, name: str, target: str, base: str, parts: tuple[str, ...], after: list[docker.RemoteImage]
    ) -> docker.RemoteImage:
        return docker.RemoteImage(
            name,
            name=f"{name}:{fingerprint(parts, base)}",
            build=docker.RemoteImageBuildArgs(
                context=str(REPOSITORY), dockerfile=_DOCKERFILE, target=target, build_args={"PYTHON": base}
            ),
            force_remove=True,
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=after,
                # Where the checkout lies does not change what is built.
                ignore_changes=["build.context"],
                custom_timeouts=pulumi.CustomTimeouts(create="60m"),
            ),
        )


def fingerprint(parts: tuple[str, ...], base: str) -> str:
    """Return a short hash of files, by their place and content, and of the base image's reference."""
    whole = hashlib.sha256(base.encode())
    for path in _files(parts):
        whole.update(path.relative_to(REPOSITORY).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return whole.hexdigest()[:12]


def _files(parts: tuple[str, ...]) -> list[Path]:
    found = [REPOSITORY / part for part in parts]
    inside = [
        path for part in found for path in ([part] if part.is_file() else part.rglob("*")) if path.is_file()
    ]
    return sorted(
        {path for path in inside if path.suffix not in _NOT_CODE and "__pycache__" not in path.parts}
    )
