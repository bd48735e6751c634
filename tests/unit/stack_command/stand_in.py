"""Programs that stand in for pulumi and docker, what they tell, and what they were asked."""

from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from cli.main import app

# Stands in for a program: keeps what it was called with, and answers from the files beside it.
PROGRAM = r"""#!/bin/sh
here="$(dirname "$0")"
echo "$(basename "$0") $*" >>"$here/calls"
env | grep ^PULUMI_ >"$here/env"
test -e "$here/fails" || echo none-does >"$here/fails"
case "$*" in
    *"$(cat "$here/fails")"*) echo "it failed" >&2; exit 1 ;;
esac
case "$*" in
    "stack export"*) test ! -e "$here/none" || { echo "error: no stack named 't' found" >&2; exit 255; } ;;
esac
case "$*" in
    "stack init"*) echo "encryptionsalt: v1:salt" >Pulumi.t.yaml; rm -f "$here/none" ;;
    "stack output"*) cat "$here/outputs" ;;
    "stack export"*) cat "$here/export" ;;
    "container inspect ecom-t-postgres") cat "$here/postgres" ;;
    "container inspect"*) cat "$here/inspect" ;;
    "run "*postgres\ --single*) cat >"$here/sql" ;;
    "run "*) cat >>"$here/restored"; echo data ;;
esac
test ! -e "$here/fail" || { cat "$here/fail" >&2; exit 1; }
"""


def container(service: str, *, must_run: bool = True) -> dict[str, Any]:
    told = {"hostname": service, "name": f"ecom-t-{service}", "mustRun": must_run}
    return {"type": "docker:index/container:Container", "urn": f"urn:{service}", "outputs": told}


def volume(name: str) -> dict[str, Any]:
    return {"type": "docker:index/volume:Volume", "outputs": {"name": f"ecom-t-{name}"}}


def inspected(service: str, health: str = "healthy") -> dict[str, Any]:
    state = {"Status": "running", "Health": {"Status": health}, "StartedAt": "2026-11-24T21:24:30.123456789Z"}
    return {"Name": f"/ecom-t-{service}", "RestartCount": 2, "State": state}


def ended(service: str) -> dict[str, Any]:
    """As Docker tells a container that somebody stopped."""
    told = inspected(service)
    return told | {"State": told["State"] | {"Status": "exited"}}


def calls(bin_folder: Path, program: str = "pulumi") -> list[str]:
    lines = (bin_folder / "calls").read_text().splitlines()
    return [line for line in lines if line.startswith(f"{program} ")]


def told(bin_folder: Path) -> dict[str, str]:
    return dict(line.split("=", 1) for line in (bin_folder / "env").read_text().splitlines())


def invoke(*words: str) -> Any:
    return CliRunner().invoke(app, ["--stack", "t", *words])
