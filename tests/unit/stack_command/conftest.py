"""A folder on PATH with the stand-ins, and a stack of ours."""

import json
import os
from pathlib import Path

import pytest

from cli.stack.place import place_of
from tests.unit.sample_platform import sample_platform
from tests.unit.stack_command.stand_in import PROGRAM, container, inspected, volume


@pytest.fixture
def bin_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("pulumi", "docker"):
        (folder / name).write_text(PROGRAM)
        (folder / name).chmod(0o755)
    for name in [name for name in os.environ if name.startswith(("ECOM_", "PULUMI_", "DOCKER_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.setenv("ECOM_STACK_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))  # no toolchain of this machine's
    monkeypatch.setenv("ECOM_STACK", "t")
    monkeypatch.setattr("cli.stack.program.sys.executable", "/usr/bin/python3")
    secrets = {
        "metabase_key": "s3cret-key",
        "admin": "s3cret-admin",
        "etl": "s3cret-etl",
        "airflow_admin": "s3cret-airflow_admin",
    }
    outputs = {
        "env": sample_platform().as_env(),
        "addresses": {"postgres": "postgresql://x", "airflow": "http://a"},
        "secrets": secrets,
    }
    (folder / "outputs").write_text(json.dumps(outputs))
    made = [container("postgres"), container("stream"), container("setup", must_run=False)]
    made += [volume("postgres-data"), volume("spark-checkpoints"), volume("airflow-logs")]
    (folder / "export").write_text(json.dumps({"deployment": {"resources": made}}))
    (folder / "inspect").write_text(json.dumps([inspected("postgres"), inspected("stream")]))
    mount = {"Type": "volume", "Name": "ecom-t-postgres-data", "Destination": "/var/lib/postgresql"}
    server = {"Image": "sha256:image", "Config": {"User": "999"}, "Mounts": [mount]}
    (folder / "postgres").write_text(json.dumps([inspected("postgres") | server]))
    # There is no stack anywhere, until one is made here.
    (folder / "none").touch()
    return folder


@pytest.fixture
def stack_is_up(bin_folder: Path) -> Path:
    """A stack of ours is there."""
    (bin_folder / "none").unlink()
    place_of("t").make()
    place_of("t").config.write_text("encryptionsalt: v1:salt\n")
    return bin_folder
