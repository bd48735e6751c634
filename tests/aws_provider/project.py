"""The repository as a Pulumi project in a folder of a test's own, with the test provider on PATH."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from environments.aws.bundle import REPOSITORY
from tests.aws_provider.cloud import STORE_VARIABLE
from tests.unit.aws_mocks import artifacts

REGION, PASSPHRASE = "eu-central-1", "only-for-this-test"
_FOLDERS = ("environments", "infra", "dags", "pipeline", "producer", "dashboards", "policy", "cli")
_FILES = ("Pulumi.yaml", "__main__.py", "pyproject.toml", "uv.lock")
_LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.pyc")
_LIMIT_S = 600
# The official plugin takes the endpoint from the environment; these keep it from asking what moto has not.
_FOR_MOTO = ("aws:skipCredentialsValidation", "aws:skipMetadataApiCheck", "aws:s3UsePathStyle")


class UpFailed(AssertionError):
    """A command of Pulumi's that failed, with what it said."""


@dataclass
class Project:
    """One stack on one moto server; `config` is stack config without its namespace."""

    folder: Path
    endpoint: str
    toolchain: Path
    stack: str = "aws"
    config: dict[str, str] = field(default_factory=dict)
    official: Path | None = None
    """The folder of the official plugin, to use it in the place of ours."""

    def __post_init__(self) -> None:
        self.project = self.folder / "project"
        if not self.project.exists():
            self._make()
        self.pulumi("stack", "init", self.stack, "--non-interactive")

    def _make(self) -> None:
        self.project.mkdir()
        (self.folder / "state").mkdir()
        # Copies: what somebody edits meanwhile must not look like a change of the stack.
        for part in _FILES:
            shutil.copy(REPOSITORY / part, self.project)
        for part in _FOLDERS:
            shutil.copytree(REPOSITORY / part, self.project / part, ignore=_LEFT_OUT)
        (self.project / ".venv").symlink_to(REPOSITORY / ".venv")
        artifacts(self.folder / "artifacts")
        if self.official:
            plugins = self.folder / "home" / "plugins"
            plugins.mkdir(parents=True)
            (plugins / self.official.name).symlink_to(self.official)
        else:
            self._take_ours()

    def _take_ours(self) -> None:
        plugin = self.folder / "bin" / "pulumi-resource-aws"
        plugin.parent.mkdir()
        run = f'#!/bin/sh\nPYTHONPATH="{REPOSITORY}" exec "{sys.executable}" -m tests.aws_provider "$@"\n'
        plugin.write_text(run, encoding="utf-8")
        plugin.chmod(0o755)

    @property
    def store(self) -> Path:
        return self.folder / "store.json"

    @property
    def env(self) -> dict[str, str]:
        path = [self.folder / "bin", self.toolchain, Path(sys.executable).parent]
        return {
            **os.environ,
            "PATH": os.pathsep.join([*(str(part) for part in path), os.environ["PATH"]]),
            "PULUMI_BACKEND_URL": f"file://{self.folder / 'state'}",
            "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
            "PULUMI_HOME": str(self.folder / "home"),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            STORE_VARIABLE: str(self.store),
        }

    def pulumi(self, *words: str) -> str:
        """Run the CLI; return what it said, raise UpFailed with that if it failed."""
        done = subprocess.run(
            ["pulumi", *words],
            cwd=self.project,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=_LIMIT_S,
            check=False,
        )
        if done.returncode:
            raise UpFailed(f"pulumi {' '.join(words)}\n{_errors(done.stdout)}\n{done.stderr[-3000:]}")
        return done.stdout

    def _configure(self) -> None:
        settings = {"aws:region": REGION, "ecom:awsArtifacts": str(self.folder / "artifacts")}
        if self.official:
            settings |= dict.fromkeys(_FOR_MOTO, "true")
        settings |= {f"ecom:{key}": value for key, value in self.config.items()}
        path = self.project / f"Pulumi.{self.stack}.yaml"
        kept = [line for line in path.read_text(encoding="utf-8").splitlines() if "encryptionsalt" in line]
        lines = [*kept, "config:", *(f"  {key}: {json.dumps(value)}" for key, value in settings.items())]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def up(self, *more: str) -> dict[str, str]:
        """Update the stack; return what was done to each resource that changed, by name and type."""
        self._configure()
        options = ("--yes", "--skip-preview", "--non-interactive", "--json", *more)
        return _steps(self.pulumi("up", "--stack", self.stack, *options))

    def preview(self) -> dict[str, str]:
        self._configure()
        return _steps(self.pulumi("preview", "--stack", self.stack, "--non-interactive", "--json"))

    def refresh(self) -> None:
        """Fail if anything is gone, or is not as the state says in what `Kind.found` asks for."""
        self.pulumi("refresh", "--yes", "--stack", self.stack, "--non-interactive", "--expect-no-changes")

    def destroy(self) -> None:
        self.pulumi("destroy", "--yes", "--stack", self.stack, "--non-interactive")

    def export(self) -> dict[str, Any]:
        """Return the stack's state, as it is kept."""
        return dict(json.loads(self.pulumi("stack", "export", "--stack", self.stack)))

    def outputs(self) -> dict[str, Any]:
        return dict(json.loads(self.pulumi("stack", "output", "--stack", self.stack, "--json")))


def _steps(printed: str) -> dict[str, str]:
    """Return the operations of `--json`, which is one object (preview) or one event a line (up)."""
    try:
        steps = json.loads(printed).get("steps", [])
        found = {(step["urn"], step["op"]) for step in steps}
    except json.JSONDecodeError:
        events = [json.loads(line) for line in printed.splitlines() if line.startswith('{"')]
        metas = [event["resourcePreEvent"]["metadata"] for event in events if "resourcePreEvent" in event]
        found = {(meta["urn"], meta["op"]) for meta in metas}
    quiet = ("same", "read", "refresh")
    return {_short(urn): op for urn, op in sorted(found) if op not in quiet and "pulumi:" not in _short(urn)}


def _errors(printed: str) -> str:
    """Return what went wrong, out of the events where there are any."""
    events = [json.loads(line) for line in printed.splitlines() if line.startswith('{"')]
    said = [event["diagnosticEvent"] for event in events if "diagnosticEvent" in event]
    said = [item for item in said if item["severity"] in ("error", "info#err")]
    lines = [f"{_short(item['urn']) if item.get('urn') else ''}: {item['message']}" for item in said]
    return "".join(lines) or printed[-6000:]


def _short(urn: str) -> str:
    kind, name = urn.split("::")[2].rpartition("$")[2], urn.rpartition("::")[2]
    return f"{kind.rpartition(':')[2] if not kind.startswith('pulumi') else kind} {name}"
