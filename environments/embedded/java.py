"""The one prerequisite besides Python: a Java runtime that Spark and Kafka accept."""

import functools
import os
import re
import shutil
import subprocess
from pathlib import Path

from environments.embedded.errors import EnvironmentFailed

OLDEST = 17
_HINT = f"install Java {OLDEST} or later (Debian: apt-get install openjdk-17-jre-headless) or set JAVA_HOME"


@functools.cache
def java() -> str:
    """Return the `java` program of JAVA_HOME or PATH; raise EnvironmentFailed if missing or too old."""
    home = os.environ.get("JAVA_HOME")
    program = str(Path(home) / "bin" / "java") if home else shutil.which("java")
    if not program or not Path(program).exists():
        raise EnvironmentFailed(f"no `java` {f'in JAVA_HOME={home}' if home else 'on PATH'}: {_HINT}")
    answer = subprocess.run([program, "-version"], capture_output=True, text=True, check=False)
    found = major_version(answer.stderr)
    if found is None:
        raise EnvironmentFailed(f"`{program} -version` did not answer with a version: {_HINT}")
    if found < OLDEST:
        raise EnvironmentFailed(f"{program} is Java {found}: {_HINT}")
    return program


def major_version(text: str) -> int | None:
    """Read the major version from `java -version`; 1.8 is 8."""
    found = re.search(r'version "(?:1\.)?(\d+)', text)
    return int(found.group(1)) if found else None
