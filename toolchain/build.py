"""Build a program from its pinned Go module: whole in the cache, or not at all."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from toolchain.choice import version_of
from toolchain.pins import Tool, ToolchainError

# Older ones can't fetch the toolchain that a go.mod asks for.
_OLDEST_GO = (1, 21, 0)
_TELL_EVERY = 250
Say = Callable[[str], None]


def check_go() -> str:
    """Return the path of a Go that can build; raise ToolchainError if there is none."""
    go = shutil.which("go")
    needed = ".".join(str(part) for part in _OLDEST_GO[:2])
    if go is None:
        raise ToolchainError(
            f"building needs Go {needed} or newer, and there is no `go` on PATH; "
            "install it (https://go.dev/dl), or Pulumi itself (https://www.pulumi.com/docs/install)"
        )
    answer = subprocess.run([go, "env", "GOVERSION"], capture_output=True, text=True, check=False)
    printed = answer.stdout.strip() or answer.stderr.strip()
    # "go1.26" has no third number.
    if version_of(printed + ".0") < _OLDEST_GO:
        raise ToolchainError(
            f"building needs Go {needed} or newer; {go} is {printed or 'of unknown version'}"
        )
    return go


def build(tool: Tool, go: str, target: Path, say: Say) -> None:
    """Build one program into the folder `target`; raise ToolchainError with Go's last word if it fails."""
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".building-") as work:
        flags = ["-trimpath", "-ldflags", f"-s -w -X {tool.linker_variable}={tool.version}"]
        _run([go, "build", "-v", *flags, "-o", f"{work}/{tool.name}", tool.package], tool, say)
        for script in tool.beside:
            copy = Path(work) / Path(script).name
            shutil.copyfile(_module_folder(go, tool) / script, copy)
            copy.chmod(0o755)
        # The program last: it is what tells that everything is there.
        for file in sorted(Path(work).iterdir(), key=lambda path: path.name == tool.name):
            file.replace(target / file.name)


def _environment() -> dict[str, str]:
    # `readonly`: what go.sum does not vouch for is refused. VCS stamps need a git that owns the folder.
    return {**os.environ, "GOFLAGS": "-mod=readonly -buildvcs=false", "GOWORK": "off", "CGO_ENABLED": "0"}


def _run(command: list[str], tool: Tool, say: Say) -> None:
    """Run a Go command, counting the packages that it names on stderr."""
    process = subprocess.Popen(
        command, cwd=tool.source, env=_environment(), stderr=subprocess.PIPE, stdout=sys.stderr, text=True
    )
    assert process.stderr is not None  # noqa: S101 - a pipe was asked for
    last, packages = "", 0
    for line in process.stderr:
        last, packages = line.strip() or last, packages + 1
        if packages % _TELL_EVERY == 0:
            say(f"{tool.name}: {packages} packages")
    if process.wait() != 0:
        raise ToolchainError(f"{tool.name} {tool.version} could not be built: {last}")


def _module_folder(go: str, tool: Tool) -> Path:
    command = [go, "list", "-f", "{{.Module.Dir}}", tool.package]
    answer = subprocess.run(
        command, cwd=tool.source, env=_environment(), capture_output=True, text=True, check=True
    )
    return Path(answer.stdout.strip())
