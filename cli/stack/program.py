"""Pulumi's command, run for one stack."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cli.stack.errors import NoSuchStack, StackError
from cli.stack.place import Place, elsewhere, variables
from cli.stack.signals import end_in_order, run_to_its_end
from toolchain.pins import PULUMI, Tool, cache

REPOSITORY = Path(__file__).resolve().parents[2]
# What Pulumi says where nobody is logged in, and where somebody is.
_NO_SUCH_STACK = ("PULUMI_ACCESS_TOKEN", "no stack named")
_NO_DOWNLOADS = "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"
# Those that read stack config; the others have no such option.
_WITH_CONFIG = ("up", "update", "preview", "refresh", "destroy", "config", "watch", "import")


class Pulumi:
    """Pulumi's command with the stack, its backend and its passphrase."""

    def __init__(self, place: Place, providers: Sequence[Tool] = ()) -> None:
        """Find the command; raise StackError if there is none.

        Where all the stack's `providers` are on PATH, Pulumi looks for no other: it would try to download
        those of all packages that are installed, AWS's for a stack of Docker too, at each command.
        """
        self.place = place
        end_in_order()
        # Pulumi's Python host takes the interpreter on PATH, if it does not read the project's own word.
        # What is built is for where nothing is on PATH.
        path = [str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath), *_toolchain()]
        self._path = os.pathsep.join(path)
        self._engine = _engine()
        found = shutil.which(PULUMI.name, path=self._path)
        if found is None:
            raise StackError(
                "there is no `pulumi` on PATH: install it (https://www.pulumi.com/docs/install), or let"
                " `make toolchain` build it where only package registries are in reach"
            )
        self._command = found
        here = bool(providers) and all(shutil.which(one.name, path=self._path) for one in providers)
        self._downloads = {_NO_DOWNLOADS: "true"} if here else {}

    def run(self, *words: str) -> int:
        """Run it in the foreground, and return its exit code."""
        return run_to_its_end(self._words(words), env=self._env(), cwd=REPOSITORY).returncode

    def ask(self, *words: str, folder: Path = REPOSITORY) -> str:
        """Run it and return what it prints; raise StackError with its last word if it fails."""
        pipe = subprocess.PIPE
        done = run_to_its_end(self._words(words), env=self._env(), cwd=folder, stdout=pipe, stderr=pipe)
        if done.returncode:
            lines = [line for line in done.stderr.splitlines() if line.strip()]
            said = next((line for line in lines if line.startswith("error:")), lines[-1] if lines else "")
            if any(words in said for words in _NO_SUCH_STACK):
                raise NoSuchStack(self._none())
            raise StackError(f"pulumi {words[0]}: {said.removeprefix('error:').strip()}")
        return done.stdout

    def exists(self) -> bool:
        """Say whether there is such a stack; raise StackError if the backend gives no answer."""
        try:
            self.ask("stack", "export")
        except NoSuchStack:
            return False
        return True

    def json(self, *words: str) -> Any:
        """Run it and return what it prints as JSON."""
        return json.loads(self.ask(*words))

    def _none(self) -> str:
        name = self.place.name
        if elsewhere(self.place):
            # Its address may hold a password.
            mend = f"unset it to reach what was made here, or `pulumi stack init {name}` makes one there"
            return f"there is no stack {name} in the backend of PULUMI_BACKEND_URL: {mend}"
        return f"there is no stack {name} here: `ecom --stack {name} up` makes it"

    def _env(self) -> dict[str, str]:
        return {**os.environ, **variables(self.place), **self._engine, **self._downloads, "PATH": self._path}

    def _words(self, words: Sequence[str]) -> list[str]:
        config = self.place.config
        own = ["--config-file", str(config)] if words[0] in _WITH_CONFIG and config.exists() else []
        stack = [] if "init" in words[:2] else ["--stack", self.place.name]
        return [self._command, *words, *stack, *own]


def _toolchain() -> list[str]:
    built = cache()
    return [str(built)] if (built / PULUMI.name).exists() else []


def _engine() -> dict[str, str]:
    """Return the engine of the docker command's context: Pulumi's plugin reads DOCKER_HOST only."""
    docker = shutil.which("docker")
    if os.environ.get("DOCKER_HOST") or docker is None:
        return {}
    command = [docker, "context", "inspect", "--format", "{{.Endpoints.docker.Host}}"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    return {"DOCKER_HOST": done.stdout.strip()} if done.returncode == 0 and done.stdout.strip() else {}
