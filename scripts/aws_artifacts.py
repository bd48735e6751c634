"""Make what `pulumi up -s aws` uploads: Spark's connectors, the jobs' packed Python, RDS's certificates.

    make aws-artifacts [ARGS="--python /usr/bin/python3.11 --certificates bundle.pem"]

The packed Python is a virtual environment and needs its base interpreter at the same place on EMR's workers:
build it on Amazon Linux 2023, or in its container, with the Python that the release has.
"""

import argparse
import base64
import gzip
import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from environments.embedded.jars import JarSet, resolved

REPOSITORY = Path(__file__).resolve().parents[1]
# The nearest to EMR's Spark 4.0.2 whose connector is complete on Maven Central.
_SPARK = "4.0.0"
_MSK_IAM = "2.3.9"
_MAVEN = "https://repo1.maven.org/maven2"
# In the name of each certificate of that bundle, and of none of a system's.
_AUTHORITY = b"Amazon RDS"
_CERTIFICATES = "https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem"
# Without pyspark, which EMR brings, and without what only dashboards and the command line need.
_PACKAGES = (
    "adbc-driver-postgresql",
    "boto3",
    "kafka-python",
    "numpy",
    "pandas",
    "psycopg2-binary",
    "pyarrow",
    "pydantic",
    "pydantic-settings",
    "tenacity",
    "typer",
)


def main() -> int:
    """Make all three, though certificates and MSK's jar are not fetched twice; return the exit code."""
    parser = argparse.ArgumentParser(prog="aws_artifacts", description=__doc__)
    parser.add_argument("--folder", type=Path, default=REPOSITORY / "dist" / "aws")
    parser.add_argument(
        "--python", default="/usr/bin/python3.11", help="EMR's interpreter, at its place there"
    )
    parser.add_argument(
        "--certificates", type=Path, help="RDS's bundle, where AWS's own address is out of reach"
    )
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    try:
        _certificates(options.folder / "rds-ca.pem", options.certificates)
        _jars(options.folder / "jars")
        _python(options.folder / "environment.tar.gz", options.python)
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    _note_another_system(platform.freedesktop_os_release())
    return 0


def _certificates(target: Path, given: Path | None) -> None:
    if not given and not target.exists():
        try:
            _fetch(_CERTIFICATES, target)
        except OSError as error:
            mend = 'with a copy of it: make aws-artifacts ARGS="--certificates FILE"'
            raise OSError(f"{error}; {mend}") from None
    source = given or target
    if not any(_AUTHORITY in one for one in _decoded(source.read_text(encoding="utf-8"))):
        raise OSError(f"{source}: holds none of RDS's certificates; wanted is {_CERTIFICATES}")
    if given:
        shutil.copy(given, target)


def _decoded(bundle: str) -> Iterator[bytes]:
    """Yield each certificate of a bundle, in which names are plain text."""
    for text in re.findall(r"-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----", bundle, re.DOTALL):
        try:
            yield base64.b64decode(text)
        except ValueError:
            continue


def _note_another_system(release: Mapping[str, str]) -> None:
    """Say that it was packed where EMR's workers are not: an interpreter and its libraries differ."""
    if release.get("ID") != "amzn" or release.get("VERSION_ID") != "2023":
        where = release.get("PRETTY_NAME", "an unknown system")
        sys.stderr.write(
            f"note: packed on {where}, and EMR's workers are Amazon Linux 2023: good for a preview, not for"
            " jobs (docs/aws.md)\n"
        )


def _jars(target: Path) -> None:
    modules = (("org.apache.spark", "spark-sql-kafka-0-10_2.13", _SPARK),)
    connectors = resolved(JarSet("aws-spark", modules, beside_pyspark=True), lambda line: print(line))
    target.mkdir(exist_ok=True)
    # With its own AWS SDK inside, so that it meets no other one.
    name = f"aws-msk-iam-auth-{_MSK_IAM}-all.jar"
    # Every jar of the folder is uploaded, and two versions of one connector must not meet.
    for jar in target.glob("*.jar"):
        if jar.name != name:
            jar.unlink()
    for jar in connectors.glob("*.jar"):
        shutil.copy(jar, target)
    if not (target / name).exists():
        download(f"software/amazon/msk/aws-msk-iam-auth/{_MSK_IAM}/{name}", target / name)


def _python(target: Path, python: str) -> None:
    uv = str(REPOSITORY / "scripts" / "uv")
    with tempfile.TemporaryDirectory() as folder:
        constraints, env = Path(folder) / "constraints.txt", Path(folder) / "env"
        export = ["export", "--frozen", "--all-extras", "--no-dev", "--no-hashes", "--no-emit-project"]
        locked = subprocess.run([uv, *export], cwd=REPOSITORY, check=True, capture_output=True, text=True)
        constraints.write_text(locked.stdout, encoding="utf-8")
        subprocess.run([uv, "venv", "--quiet", "--relocatable", "--python", python, str(env)], check=True)
        install = ["pip", "install", "--quiet", "--python", str(env / "bin" / "python")]
        subprocess.run([uv, *install, "--constraint", str(constraints), *_PACKAGES], check=True)
        pack(env, target)


def pack(folder: Path, target: Path) -> None:
    """Write an archive of a folder: the same files are the same bytes, and so the same name in the bucket."""
    with (
        target.open("wb") as file,
        gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w") as archive,
    ):
        for path in sorted(folder.rglob("*")):
            archive.add(path, arcname=f"./{path.relative_to(folder)}", recursive=False, filter=_of_nobody)


def _of_nobody(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """Take away who made it and when; bytecode has a time in it, and an activation its folder's name."""
    path = PurePosixPath(member.name)
    if "__pycache__" in path.parts or (path.parts[0] == "bin" and path.name.startswith("activate")):
        return None
    member.mtime = member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member


def download(path: str, target: Path) -> None:
    """Fetch one file of the Maven repository, by its path there."""
    _fetch(f"{os.environ.get('ECOM_MAVEN_REPOSITORY', _MAVEN).rstrip('/')}/{path}", target)


def _fetch(address: str, target: Path) -> None:
    part = target.with_suffix(".part")
    try:
        with urllib.request.urlopen(address, timeout=60) as answer, part.open("wb") as file:  # noqa: S310 - https, ours
            shutil.copyfileobj(answer, file)
    except OSError as error:
        raise OSError(f"{address}: {getattr(error, 'reason', error)}") from None
    part.replace(target)


if __name__ == "__main__":
    sys.exit(main())
