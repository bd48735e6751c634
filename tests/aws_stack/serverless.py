"""What EMR Serverless does with a job run, done on this machine: Spark 4.0.0, and S3 where moto serves it.

EMR's file system for `s3://` is closed; Hadoop's own takes its place. Archives are unpacked into the working
folder of the driver under the names that they were given, as EMR does. Whatever this checkout has installed
is out of reach: what a job run needs must be in the bucket, or in Spark.
"""

import os
import shlex
import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from environments.aws.bundle import REPOSITORY
from environments.embedded.jars import JarSet, resolved
from infra.platform import Env
from pipeline.settings import EmrServerlessSettings
from scripts.aws_artifacts import download
from tests.aws_provider.project import REGION
from tests.aws_stack.leftovers import Account

_HADOOP = "3.4.1"  # Spark 4.0.0's
# Parts of the SDK instead of the bundle of 530 MB that hadoop-aws asks for; from 2.30 on it adds checksums.
_SDK = "2.25.53"
_SDK_PARTS = ("apache-client", "netty-nio-client", "s3", "s3-transfer-manager", "sts")
_DRIVER_ENV = "spark.emr-serverless.driverEnv."
Driver = subprocess.Popen[bytes]
Job = dict[str, dict[str, Any]]


def oldest_spark() -> Path:
    """Return the home of Spark 4.0.0, installed where `make test-spark-oldest` has it."""
    script = str(REPOSITORY / "scripts" / "oldest_spark.sh")
    told = subprocess.run([script], check=True, capture_output=True, text=True).stdout
    return next(Path(told.strip()).glob("lib/python3*/site-packages/pyspark"))


def file_system_jars() -> list[Path]:
    """Return the jars of Hadoop's file system for S3, fetched first if need be."""
    parts = tuple(("software.amazon.awssdk", part, _SDK) for part in _SDK_PARTS)
    folder = resolved(JarSet("s3a", parts, beside_pyspark=True))
    name = f"hadoop-aws-{_HADOOP}.jar"
    if not (folder / name).exists():
        download(f"org/apache/hadoop/hadoop-aws/{_HADOOP}/{name}", folder / name)
    return sorted(folder.glob("*.jar"))


def job_of(
    env: Env, settings: EmrServerlessSettings, entry: str, arguments: Sequence[str], more: str = ""
) -> Job:
    """Return the job run that the DAGs would ask for where Airflow has these variables."""
    with pytest.MonkeyPatch.context() as patch:
        # As Airflow has it, which imports what lies beside the DAGs.
        patch.syspath_prepend(str(REPOSITORY / "dags"))
        from emr_serverless import job_driver

        for name, value in env.items():
            patch.setenv(name, value)
        return job_driver(settings, entry, arguments, more)


@dataclass(frozen=True)
class Serverless:
    """A working folder, and where S3 and Spark are."""

    folder: Path
    endpoint: str
    spark: Path
    jars: list[Path]

    @contextmanager
    def running(self, job: Job, log: Path) -> Iterator[Driver]:
        """Start a job run's driver; whatever happens, it is gone afterwards."""
        submit = job["sparkSubmit"]
        conf, options = _parsed(submit["sparkSubmitParameters"])
        for archive in conf.pop("spark.archives").split(","):
            self._unpack(*archive.split("#"))
        env = {name.removeprefix(_DRIVER_ENV): conf.pop(name) for name in list(conf) if _DRIVER_ENV in name}
        given = [
            word for name, value in (conf | self._s3()).items() for word in ("--conf", f"{name}={value}")
        ]
        command = [str(self.spark / "bin" / "spark-submit"), "--master", "local[2]", *options, *given]
        command += [submit["entryPoint"], *submit["entryPointArguments"]]
        with log.open("ab") as file:
            process = subprocess.Popen(
                command,
                cwd=self.folder,
                env=self._env() | env,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                yield process
            finally:
                # With Python, the JVM's child, which outlives it for a moment; in a container it would not.
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def _s3(self) -> dict[str, str]:
        return {
            "spark.driver.extraClassPath": os.pathsep.join(map(str, self.jars)),
            "spark.hadoop.fs.s3.impl": "org.apache.hadoop.fs.s3a.S3AFileSystem",
            "spark.hadoop.fs.s3a.endpoint": self.endpoint,
            "spark.hadoop.fs.s3a.endpoint.region": REGION,
            "spark.hadoop.fs.s3a.path.style.access": "true",
            "spark.hadoop.fs.s3a.connection.ssl.enabled": "false",
            "spark.driver.host": "127.0.0.1",
        }

    def _env(self) -> dict[str, str]:
        own = {
            name: os.environ[name] for name in ("HOME", "PATH", "JAVA_HOME", "TMPDIR") if name in os.environ
        }
        return own | {
            "SPARK_HOME": str(self.spark),
            "SPARK_LOCAL_IP": "127.0.0.1",
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
        }

    def _unpack(self, address: str, name: str) -> None:
        if (self.folder / name).exists():
            return
        bucket, _, key = address.removeprefix("s3://").partition("/")
        packed = self.folder / f"packed-{name}-{Path(key).name}"
        Account(self.endpoint, REGION).client("s3").download_file(bucket, key, str(packed))
        if packed.suffix == ".gz":
            # A virtual environment links to its interpreter, which is outside.
            shutil.unpack_archive(packed, self.folder / name, filter="fully_trusted")
        else:
            shutil.unpack_archive(packed, self.folder / name)
        packed.unlink()


def _parsed(parameters: str) -> tuple[dict[str, str], list[str]]:
    """Return configuration, of which the last word on each key counts, and all other options."""
    conf: dict[str, str] = {}
    others: list[str] = []
    words = iter(shlex.split(parameters))
    for option in words:
        if option == "--conf":
            name, _, value = next(words).partition("=")
            conf[name] = value
        else:
            others += [option, next(words)]
    return conf, others
