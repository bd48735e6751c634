"""Spark's classes, parsed once and kept for every later JVM (CDS): a session opens in a third of the time.

The archive fits one Java and one set of jars in one place, so it lives in the venv whose jars it describes.
"""

import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from environments.embedded import ivy
from environments.embedded.home import REPOSITORY
from environments.embedded.java import java
from environments.embedded.service import Say

_TRAINING = ("-m", "pipeline.train_jvm")
_LIMIT_S = 300


def path() -> Path:
    """Return where the archive of this venv's Spark and this machine's Java is, or will be."""
    jars = sorted(ivy.pyspark_jars().glob("*.jar"))
    seen = [(str(jar), jar.stat().st_size, jar.stat().st_mtime_ns) for jar in jars]
    program = Path(java()).resolve()
    release = program.parents[1] / "release"
    version = release.read_text(encoding="utf-8") if release.exists() else ""
    name = hashlib.sha256(repr((seen, str(program), version)).encode()).hexdigest()[:16]
    return Path(sys.prefix) / f"spark-classes-{name}.jsa"


def jvm_options() -> str:
    """Return the option that uses the archive, or nothing where there is none."""
    archive = path()
    return f'"-XX:SharedArchiveFile={archive}"' if archive.exists() else ""


def make(say: Say) -> None:
    """Make the archive if it is missing. Without it everything works, only slower, so a failure is said."""
    archive = path()
    if archive.exists():
        return
    say("keeping Spark's classes for quicker starts (only the first time)")
    try:
        with tempfile.TemporaryDirectory(dir=sys.prefix, prefix=".spark-classes-") as work:
            made = Path(work) / "classes.jsa"
            _train(made)
            for old in archive.parent.glob("spark-classes-*.jsa"):
                old.unlink()
            made.replace(archive)
    except (OSError, subprocess.SubprocessError) as error:
        say(f"Spark's classes are not kept, its starts stay slow: {error}")


def _train(made: Path) -> None:
    variables = {
        "ECOM_SPARK_MASTER": "local[2]",
        "ECOM_SPARK_LAUNCHER": "local",
        "ECOM_SPARK_JARS": "",
        "ECOM_SPARK_DRIVER_MEMORY": "1g",
        "ECOM_SPARK_JVM_OPTIONS": f'"-XX:ArchiveClassesAtExit={made}"',
        "PYSPARK_PYTHON": sys.executable,
    }
    subprocess.run(
        [sys.executable, *_TRAINING],
        cwd=REPOSITORY,
        env=os.environ | variables,
        check=True,
        timeout=_LIMIT_S,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
