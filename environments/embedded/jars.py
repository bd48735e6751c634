"""Kafka's broker and Spark's connectors, resolved once from Maven by the Ivy that pyspark ships.

`python -m environments.embedded.jars` fetches both ahead of time. ECOM_MAVEN_REPOSITORY names a mirror.
"""

import importlib.metadata
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import quoteattr

from tenacity import RetryError, Retrying, stop_after_attempt, wait_exponential

from environments.embedded.errors import EnvironmentFailed
from environments.embedded.files import locked
from environments.embedded.home import cache_folder
from environments.embedded.java import java
from environments.embedded.service import Say

KAFKA_VERSION = "4.1.1"
SPARK_VERSION = importlib.metadata.version("pyspark")
_CENTRAL = "https://repo1.maven.org/maven2/"
_ATTEMPTS = 3
_PATTERN = "[artifact]-[revision](-[classifier]).[ext]"


class _Unresolved(Exception):
    """Ivy did not get everything; the message is the line that says why."""


@dataclass(frozen=True)
class JarSet:
    """A folder of jars: what to ask for, and what Spark has already."""

    name: str
    modules: tuple[tuple[str, str, str], ...]
    beside_pyspark: bool = False

    @property
    def folder(self) -> Path:
        """Return the folder in the cache; its name holds every version, so a new one is a new folder."""
        versions = "-".join(dict.fromkeys(version for _, _, version in self.modules))
        return cache_folder() / "jars" / f"{self.name}-{versions}"


KAFKA = JarSet(
    "kafka",
    (
        ("org.apache.kafka", "kafka_2.13", KAFKA_VERSION),
        # Kafka speaks slf4j 1.7 and ships no binding for it: without this one its log stays empty.
        ("org.apache.logging.log4j", "log4j-slf4j-impl", "2.24.3"),
    ),
)
CONNECTORS = JarSet(
    "spark",
    (
        ("org.apache.spark", "spark-sql-kafka-0-10_2.13", SPARK_VERSION),
        ("org.postgresql", "postgresql", "42.7.7"),
    ),
    beside_pyspark=True,
)


def kafka_jars(say: Say = lambda _: None) -> Path:
    """Return the folder with a whole Kafka broker, resolving it first if need be."""
    return _resolved(KAFKA, say)


def connector_jars(say: Say = lambda _: None) -> list[Path]:
    """Return the jars that Spark needs for Kafka and PostgreSQL, for `spark.jars`."""
    return sorted(_resolved(CONNECTORS, say).glob("*.jar"))


def pyspark_jars() -> Path:
    """Return the folder of the jars that pyspark ships; finding it does not import pyspark."""
    spec = importlib.util.find_spec("pyspark")
    assert spec is not None  # noqa: S101 - a dependency of this project
    assert spec.origin is not None  # noqa: S101
    return Path(spec.origin).parent / "jars"


def _resolved(wanted: JarSet, say: Say) -> Path:
    if wanted.folder.is_dir():
        return wanted.folder
    with locked(cache_folder() / "jars.lock"):  # Ivy's own cache does not bear two resolutions at once
        if not wanted.folder.is_dir():
            say(f"fetching {wanted.name} jars from {_repository()} (only the first time)")
            _resolve(wanted)
    return wanted.folder


def _resolve(wanted: JarSet) -> None:
    wanted.folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=wanted.folder.parent, prefix=".resolving-") as work:
        target = Path(work) / "jars"
        attempts = Retrying(stop=stop_after_attempt(_ATTEMPTS), wait=wait_exponential(multiplier=1, max=10))
        try:
            attempts(_run_ivy, wanted, Path(work), target)
        except RetryError as error:
            cause = error.last_attempt.exception()
            raise EnvironmentFailed(
                f"could not fetch the {wanted.name} jars from {_repository()} ({_ATTEMPTS} attempts): {cause}"
            ) from None
        if wanted.beside_pyspark:
            _drop_shipped(target)
        target.chmod(0o755)
        target.rename(wanted.folder)


def _run_ivy(wanted: JarSet, work: Path, target: Path) -> None:
    (work / "ivy.xml").write_text(_ivy_file(wanted), encoding="utf-8")
    (work / "settings.xml").write_text(_settings_file(), encoding="utf-8")
    shutil.rmtree(target, ignore_errors=True)
    ivy = next(pyspark_jars().glob("ivy-*.jar"))
    command = [java(), "-cp", str(ivy), "org.apache.ivy.Main", "-cache", str(cache_folder() / "ivy")]
    command += ["-settings", str(work / "settings.xml"), "-ivy", str(work / "ivy.xml"), "-confs", "default"]
    command += ["-retrieve", f"{target}/{_PATTERN}"]
    # A session of its own: a Ctrl-C in the terminal is the supervisor's to handle.
    answer = subprocess.run(command, capture_output=True, text=True, check=False, start_new_session=True)
    if answer.returncode != 0 or not any(target.glob("*.jar")):
        raise _Unresolved(explain_ivy(answer.stdout + answer.stderr))


def explain_ivy(output: str) -> str:
    """Return the one line of Ivy's output that says what went wrong."""
    lines = [line.strip() for line in output.splitlines()]
    for wanted in ("Exception", "not found", "FAILED", "Failed"):
        for line in lines:
            if wanted in line:
                return line
    return lines[-1] if lines else "Ivy said nothing"


def _drop_shipped(folder: Path) -> None:
    """Remove what pyspark has in a version of its own: a second one on the classpath breaks Spark."""
    shipped = {module_name(jar) for jar in pyspark_jars().glob("*.jar")}
    for jar in folder.glob("*.jar"):
        if module_name(jar) in shipped:
            jar.unlink()


def module_name(jar: Path) -> str:
    """Return a jar's name without its version."""
    return re.sub(r"-\d+\..*$", "", jar.stem)


def _repository() -> str:
    return os.environ.get("ECOM_MAVEN_REPOSITORY") or _CENTRAL


def _ivy_file(wanted: JarSet) -> str:
    rows = "".join(
        f'<dependency org="{org}" name="{name}" rev="{version}" conf="default"/>'
        for org, name, version in wanted.modules
    )
    return (
        f'<ivy-module version="2.0"><info organisation="ecom" module="{wanted.name}"/>'
        f'<configurations><conf name="default"/></configurations>'
        f"<dependencies>{rows}</dependencies></ivy-module>"
    )


def _settings_file() -> str:
    root = quoteattr(_repository())
    return (
        '<ivysettings><settings defaultResolver="maven"/><resolvers>'
        f'<ibiblio name="maven" m2compatible="true" root={root}/></resolvers></ivysettings>'
    )


def main() -> int:
    """Fetch everything, saying so; return the exit code."""

    def say(message: str) -> None:
        sys.stderr.write(f"{message}\n")

    try:
        kafka_jars(say)
        connector_jars(say)
    except EnvironmentFailed as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
