"""Kafka's broker and Spark's connector, resolved once from a Maven repository into the cache.

`make setup` fetches both ahead of time.
"""

import importlib.metadata
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tenacity import RetryError, Retrying, stop_after_attempt, wait_exponential

from environments.embedded import ivy
from environments.embedded.errors import EnvironmentFailed
from environments.embedded.files import locked
from environments.embedded.home import cache_folder
from environments.embedded.service import Say

KAFKA_VERSION = "4.1.1"
SPARK_VERSION = importlib.metadata.version("pyspark")
_ATTEMPTS = 3


@dataclass(frozen=True)
class JarSet:
    """A folder of jars: what to ask for, and what Spark has already."""

    name: str
    modules: tuple[ivy.Module, ...]
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
    (("org.apache.spark", "spark-sql-kafka-0-10_2.13", SPARK_VERSION),),
    beside_pyspark=True,
)


def kafka_jars(say: Say = lambda _: None) -> Path:
    """Return the folder with a whole Kafka broker, resolving it first if need be."""
    return resolved(KAFKA, say)


def connector_jars(say: Say = lambda _: None) -> list[Path]:
    """Return the jars that Spark needs for Kafka, for `spark.jars`; to PostgreSQL we write without JDBC."""
    return sorted(resolved(CONNECTORS, say).glob("*.jar"))


def resolved(wanted: JarSet, say: Say = lambda _: None) -> Path:
    """Return the folder of a set of jars, fetching them first if need be; raise EnvironmentFailed."""
    if wanted.folder.is_dir():
        return wanted.folder
    with locked(cache_folder() / "jars.lock"):  # Ivy's own cache does not bear two resolutions at once
        if not wanted.folder.is_dir():
            say(f"fetching {wanted.name} jars from {ivy.shown_repository()} (only the first time)")
            _resolve(wanted)
    return wanted.folder


def _resolve(wanted: JarSet) -> None:
    wanted.folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=wanted.folder.parent, prefix=".resolving-") as work:
        target = Path(work) / "jars"
        attempts = Retrying(stop=stop_after_attempt(_ATTEMPTS), wait=wait_exponential(multiplier=1, max=10))
        try:
            attempts(ivy.retrieve, wanted.name, wanted.modules, Path(work), target)
        except RetryError as error:
            cause = error.last_attempt.exception()
            what = f"could not fetch the {wanted.name} jars from {ivy.shown_repository()}"
            raise EnvironmentFailed(f"{what} ({_ATTEMPTS} attempts): {cause}") from None
        if wanted.beside_pyspark:
            _drop_shipped(target)
        target.chmod(0o755)
        target.rename(wanted.folder)


def _drop_shipped(folder: Path) -> None:
    """Remove what pyspark has in a version of its own: a second one on the classpath breaks Spark."""
    shipped = {module_name(jar) for jar in ivy.pyspark_jars().glob("*.jar")}
    for jar in folder.glob("*.jar"):
        if module_name(jar) in shipped:
            jar.unlink()


def module_name(jar: Path) -> str:
    """Return a jar's name without its version."""
    return re.sub(r"-\d+\..*$", "", jar.stem)
