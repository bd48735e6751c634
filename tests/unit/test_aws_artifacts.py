"""What `make aws-artifacts` leaves in its folder: the same bytes each time, nothing of the time before."""

import os
import tarfile
import urllib.error
from pathlib import Path

import pytest

from scripts import aws_artifacts
from tests.certificates import write_certificate


def environment(folder: Path, now: float) -> Path:
    """Make a folder such as a virtual environment is, at a time."""
    files = {"bin/run": "#!/bin/sh", "bin/activate.csh": str(folder), "lib/a.py": "1", "lib/b.py": "2"}
    files |= {"lib/__pycache__/a.pyc": str(now)}
    for name in sorted(files, reverse=now > 1e9):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(files[name], encoding="utf-8")
        os.utime(path, (now, now))
    (folder / "bin" / "run").chmod(0o755)
    (folder / "bin" / "python").symlink_to("/usr/bin/python3.11")
    return folder


def test_the_same_environment_is_the_same_archive(tmp_path: Path):
    packed = []
    for number, now in enumerate((1e9, 2e9)):
        target = tmp_path / f"{number}.tar.gz"
        aws_artifacts.pack(environment(tmp_path / f"of-{number}", now), target)
        packed.append(target.read_bytes())
    assert packed[0] == packed[1]
    with tarfile.open(tmp_path / "0.tar.gz") as archive:
        assert archive.getnames() == [
            f"./{name}" for name in ("bin", "bin/python", "bin/run", "lib", "lib/a.py", "lib/b.py")
        ]
        assert archive.getmember("./bin/run").mode & 0o111
        assert archive.getmember("./bin/python").linkname == "/usr/bin/python3.11"


def test_no_connector_of_an_older_version_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    connectors, target = tmp_path / "resolved", tmp_path / "jars"
    connectors.mkdir()
    target.mkdir()
    (connectors / "spark-sql-kafka-2.jar").touch()
    (target / "spark-sql-kafka-1.jar").touch()
    monkeypatch.setattr(aws_artifacts, "resolved", lambda *_: connectors)
    monkeypatch.setattr(aws_artifacts, "download", lambda _, file: file.touch())
    aws_artifacts._jars(target)
    kept = [jar.name for jar in target.glob("*.jar") if not jar.name.startswith("aws-msk-iam-auth-")]
    assert kept == ["spark-sql-kafka-2.jar"]
    assert len(list(target.glob("*.jar"))) == 2


def test_rdss_certificates_are_taken_from_a_file(tmp_path: Path):
    given = write_certificate(tmp_path / "given.pem", "Amazon RDS eu-central-1 Root CA RSA2048 G1")
    aws_artifacts._certificates(tmp_path / "rds-ca.pem", given)
    assert (tmp_path / "rds-ca.pem").read_text() == given.read_text()


def test_a_systems_certificates_are_not_rdss(tmp_path: Path):
    given = write_certificate(tmp_path / "ca-certificates.crt", "Amazon Root CA 1")
    with pytest.raises(
        OSError, match=r"ca-certificates.crt: holds none of RDS's certificates; wanted is https:"
    ):
        aws_artifacts._certificates(tmp_path / "rds-ca.pem", given)
    assert not (tmp_path / "rds-ca.pem").exists()


def test_without_a_network_the_address_is_told_and_another_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def refuse(*_: object, **__: object) -> None:
        raise urllib.error.URLError("Name or service not known")

    monkeypatch.setattr("urllib.request.urlopen", refuse)
    with pytest.raises(
        OSError, match=r"^https://truststore.*pem: Name or service not known; .*--certificates FILE"
    ):
        aws_artifacts._certificates(tmp_path / "rds-ca.pem", None)


@pytest.mark.parametrize(
    ("release", "told"),
    [
        ({"ID": "amzn", "VERSION_ID": "2023"}, ""),
        (
            {"ID": "debian", "PRETTY_NAME": "Debian 12"},
            "note: packed on Debian 12, and EMR's workers are Amazon",
        ),
        ({"ID": "amzn", "VERSION_ID": "2"}, "note: packed on an unknown system"),
    ],
)
def test_what_is_packed_on_another_system_is_told(release, told, capsys):
    aws_artifacts._note_another_system(release)
    said = capsys.readouterr().err
    assert said.startswith(told)
    assert bool(said) == bool(told)
