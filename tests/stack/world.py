"""A stack in a clone of the repository, worked with as a person would: by `ecom`, `pulumi` and `docker`."""

import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.waiting import until

REPOSITORY = Path(__file__).resolve().parents[2]
NAME = "teststack"
PREFIX = f"ecom-{NAME}-"
IMAGES = {
    "imagePython": "ecom-standin/python:3.11.14-slim-bookworm",
    "imagePostgres": "ecom-standin/postgres:18.6",
    "imageKafka": "ecom-standin/kafka:4.1.1",
    "imageMetabase": "ecom-standin/metabase:v0.63.17.2",
}
# Below those that Linux gives to connections that go out.
PORTS = {
    "postgresPort": 25432,
    "kafkaPort": 29092,
    "airflowPort": 28080,
    "sparkMasterPort": 28081,
    "dashboardsPort": 28050,
    "metabasePort": 23000,
}
_PATIENCE_S = 300


@dataclass
class World:
    """The clone, the state beside it, and how long what took."""

    clone: Path
    state: Path
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def env(self) -> dict[str, str]:
        own = {name: value for name, value in os.environ.items() if not name.startswith("ECOM_")}
        return own | {"ECOM_STACK_STATE": str(self.state), "PYTHONPATH": str(self.clone), "COLUMNS": "200"}

    def ecom(self, *words: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run a command on the stack, whatever its exit code."""
        command = [sys.executable, "-m", "cli", "--stack", NAME, *words]
        return subprocess.run(
            command, cwd=self.clone, env=self.env | (env or {}), capture_output=True, text=True, check=False
        )

    def must(self, *words: str) -> str:
        """Run a command that has to work."""
        done = self.ecom(*words)
        assert done.returncode == 0, (
            f"{words}: {done.returncode}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
        )
        return done.stdout

    def timed(self, name: str, *words: str) -> str:
        """Run a command that has to work, and remember how long it took."""
        started = time.monotonic()
        printed = self.must(*words)
        self.seconds[name] = round(time.monotonic() - started, 1)
        return printed

    def up(self, name: str, **more: str) -> str:
        given = [f"{key}={value}" for key, value in {**IMAGES, **PORTS, **more}.items()]
        return self.timed(name, "up", *(word for one in given for word in ("--set", one)))

    def background(self, *words: str) -> subprocess.Popen[str]:
        """Start a command on the stack beside what the test does."""
        command = [sys.executable, "-m", "cli", "--stack", NAME, *words]
        return subprocess.Popen(command, cwd=self.clone, env=self.env, stdout=subprocess.PIPE, text=True)

    def status(self) -> dict[str, Any]:
        return dict(json.loads(self.ecom("status", "--json").stdout))

    def wait_healthy(self) -> None:
        """Wait until every service is well; each question starts a Python, so it is asked seldom."""
        told: dict[str, Any] = {}

        def healthy() -> bool:
            told.update(self.status())
            return bool(told["healthy"])

        def unwell() -> str:
            return str({name: one for name, one in told["services"].items() if not one["good"]})

        until(healthy, "every service is well", unwell, _PATIENCE_S, poll_s=3)

    def verify(self, *words: str) -> dict[str, Any]:
        """Prove that nothing was lost or doubled."""
        done = self.ecom("verify", "--json", "--timeout", "300", *words)
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
        return dict(json.loads(done.stdout))

    def secrets(self) -> dict[str, str]:
        printed = self.must("pulumi", "stack", "output", "secrets", "--show-secrets")
        return dict(json.loads(printed))


def docker(*words: str) -> str:
    done = subprocess.run(["docker", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"docker {words}: {done.stderr}"
    return done.stdout


def ids() -> dict[str, str]:
    """Return the ids of the stack's containers, by name."""
    lines = docker("ps", "--all", "--no-trunc", "--format", "{{.Names}} {{.ID}}").splitlines()
    found = dict(line.split() for line in lines)
    return {name.removeprefix(PREFIX): one for name, one in found.items() if name.startswith(PREFIX)}


def left_over() -> dict[str, list[str]]:
    """Return what of the stack's is on the engine, by kind."""
    asked = {
        "containers": ("ps", "--all", "--format", "{{.Names}}"),
        "networks": ("network", "ls", "--format", "{{.Name}}"),
        "volumes": ("volume", "ls", "--format", "{{.Name}}"),
        "images": ("image", "ls", "--format", "{{.Repository}}:{{.Tag}}"),
    }
    own = PREFIX.removesuffix("-")
    return {
        kind: sorted(name for name in docker(*words).split() if name.startswith(own))
        for kind, words in asked.items()
    }


def copy_repository(target: Path) -> Path:
    """Copy what git would commit, so that a test may change it."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        if (REPOSITORY / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(REPOSITORY / name, target / name)
    return target
