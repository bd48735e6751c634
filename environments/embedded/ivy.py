"""Ivy, as pyspark ships it: gets jars from Maven Central, or the mirror that ECOM_MAVEN_REPOSITORY names."""

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import quoteattr

from environments.embedded.home import cache_folder
from environments.embedded.java import java

_CENTRAL = "https://repo1.maven.org/maven2/"
_PATTERN = "[artifact]-[revision](-[classifier]).[ext]"

Module = tuple[str, str, str]
"""Organisation, name and version."""


class Unresolved(Exception):
    """Ivy did not get everything; the message is the line that says why."""


def pyspark_jars() -> Path:
    """Return the folder of the jars that pyspark ships; finding it does not import pyspark."""
    spec = importlib.util.find_spec("pyspark")
    assert spec is not None  # noqa: S101 - a dependency of this project
    assert spec.origin is not None  # noqa: S101
    return Path(spec.origin).parent / "jars"


def shown_repository() -> str:
    """Return the repository's address as it may be printed."""
    return redacted(_repository())


def redacted(text: str) -> str:
    """Return the text with `user:password@` taken out of every address in it."""
    return re.sub(r"(?<=://)\S*@", "***@", text)


def retrieve(name: str, modules: Sequence[Module], work: Path, target: Path) -> None:
    """Get modules and what they need into `target`, with files of its own in `work`; raise Unresolved."""
    (work / "ivy.xml").write_text(_ivy_file(name, modules), encoding="utf-8")
    (work / "settings.xml").write_text(_settings_file(), encoding="utf-8")
    shutil.rmtree(target, ignore_errors=True)
    program = next(pyspark_jars().glob("ivy-*.jar"))
    command = [java(), "-cp", str(program), "org.apache.ivy.Main", "-cache", str(cache_folder() / "ivy")]
    command += ["-settings", str(work / "settings.xml"), "-ivy", str(work / "ivy.xml"), "-confs", "default"]
    command += ["-retrieve", f"{target}/{_PATTERN}"]
    # A session of its own: a Ctrl-C in the terminal is the supervisor's to handle.
    answer = subprocess.run(command, capture_output=True, text=True, check=False, start_new_session=True)
    if answer.returncode != 0 or not any(target.glob("*.jar")):
        raise Unresolved(explain_ivy(answer.stdout + answer.stderr))


def explain_ivy(output: str) -> str:
    """Return the one line of Ivy's output that says what went wrong."""
    lines = [redacted(line.strip()) for line in output.splitlines()]
    for wanted in ("Exception", "not found", "FAILED", "Failed"):
        for line in lines:
            if wanted in line:
                return line
    return lines[-1] if lines else "Ivy said nothing"


def _repository() -> str:
    return os.environ.get("ECOM_MAVEN_REPOSITORY") or _CENTRAL


def _ivy_file(name: str, modules: Sequence[Module]) -> str:
    rows = "".join(
        f'<dependency org="{org}" name="{artifact}" rev="{version}" conf="default"/>'
        for org, artifact, version in modules
    )
    return (
        f'<ivy-module version="2.0"><info organisation="ecom" module="{name}"/>'
        f'<configurations><conf name="default"/></configurations>'
        f"<dependencies>{rows}</dependencies></ivy-module>"
    )


def _settings_file() -> str:
    root = quoteattr(_repository())
    return (
        '<ivysettings><settings defaultResolver="maven"/><resolvers>'
        f'<ibiblio name="maven" m2compatible="true" root={root}/></resolvers></ivysettings>'
    )
