"""What is needed, in which version, and from which Go package each program is built."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent


class ToolchainError(RuntimeError):
    """A toolchain that can't be had; the message is one line that says what to do."""


@dataclass(frozen=True)
class Tool:
    """A program: `name` is its file's and its Go module's folder; `minutes` is its first build on two cores.

    `version_argument` makes the program print its version; empty where it can't. `exact` tells whether
    another version than `version` will do, if it is newer. `beside` are scripts to copy from the module.
    """

    name: str
    version: str
    package: str
    linker_variable: str
    minutes: float
    version_argument: str = ""
    exact: bool = False
    plugin: str = ""
    beside: tuple[str, ...] = ()

    @property
    def source(self) -> Path:
        """Return the folder of the Go module that pins it."""
        return FOLDER / self.name


PULUMI = Tool(
    name="pulumi",
    version="3.250.0",
    package="github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
    linker_variable="github.com/pulumi/pulumi/sdk/v3/go/common/version.Version",
    minutes=6,
    version_argument="version",
)
# Later versions of this module do not carry it, and its own module can't be had from the proxy.
LANGUAGE_HOST = Tool(
    name="pulumi-language-python",
    version="3.60.0",
    package="github.com/pulumi/pulumi/sdk/v3/python/cmd/pulumi-language-python",
    linker_variable="github.com/pulumi/pulumi/sdk/v3/go/common/version.Version",
    minutes=0.5,
    beside=("python/cmd/pulumi-language-python-exec",),
)
# Pulumi asks for the plugin of the very version of the Python package, so these two are uv.lock's; a test
# compares them.
DOCKER = Tool(
    name="pulumi-resource-docker",
    version="5.2.0",
    package=".",
    linker_variable="main.version",
    minutes=4,
    version_argument="-version",
    exact=True,
    plugin="docker",
)
RANDOM = Tool(
    name="pulumi-resource-random",
    version="4.21.4",
    package=".",
    linker_variable="main.version",
    minutes=1,
    version_argument="-version",
    exact=True,
    plugin="random",
)
TOOLS = (PULUMI, LANGUAGE_HOST, DOCKER, RANDOM)


def digest() -> str:
    """Return a short hash of everything that decides what is built."""
    whole = hashlib.sha256()
    for tool in TOOLS:
        whole.update(f"{tool.version} {tool.package} {tool.linker_variable}\0".encode())
        for path in sorted(tool.source.iterdir()):
            whole.update(path.relative_to(FOLDER).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return whole.hexdigest()[:16]


def cache() -> Path:
    """Return the folder that holds what was built from these pins."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "ecom" / "toolchain" / digest() / "bin"
