"""Rules about containers and images of Docker; each yields what is wrong in words."""

import re
from collections.abc import Iterator

from policy.rule import Inputs, Rule

_CONTAINER, _IMAGE = "docker:index/container:Container", "docker:index/remoteImage:RemoteImage"
_LOOPBACK = "127.0.0.1"
_SECRETIVE = re.compile(r"PASSWORD|PASSWD|SECRET|TOKEN|(^|_)(PASS|KEY)(_|$)")
# What names a place where the secret is, or a command that prints it, is none.
_REFERENCE = re.compile(r"_(FILE|REF|CMD|PATH)$|(file:|/run/secrets/|arn:aws)")
# Build arguments that name an image.
_BASE = re.compile(r"(^|_)(BASE|FROM|IMAGE|PYTHON)(_|$)")
# A tag that holds all of a version, or a day; PostgreSQL's versions have two parts.
_WHOLE = re.compile(r"v?\d+\.\d+\.\d+|.*\d{8}")
_RELEASE = re.compile(r"v?\d+\.\d+|.*\d{8}")


def _ports(inputs: Inputs) -> Iterator[str]:
    for port in inputs.get("ports") or ():
        if port.get("ip") != _LOOPBACK:
            yield f"port {port.get('external')} is published on {port.get('ip') or 'every address'}"


def _tag(inputs: Inputs) -> Iterator[str]:
    name, build = str(inputs.get("name", "")), inputs.get("build") or {}
    # An image of ours is named by its content, and only its base can move.
    release = _RELEASE.match(_tag_of(name)) or (build and _tag_of(name) not in ("", "latest"))
    if "@sha256:" not in name and not release:
        yield f"{name or 'an image without a name'} has no exact tag"
    for key, value in (build.get("buildArgs") or {}).items():
        if _BASE.search(key) and "@sha256:" not in str(value) and not _WHOLE.match(_tag_of(str(value))):
            yield f"its base {value} has no exact tag"


def _tag_of(name: str) -> str:
    return name.rsplit("/", 1)[-1].partition("@")[0].partition(":")[2]


def _limits(inputs: Inputs) -> Iterator[str]:
    for name in ("memory", "cpus"):
        if not inputs.get(name):
            yield f"{name} has no limit"
    if inputs.get("memorySwap") != inputs.get("memory"):
        yield "it may swap"


def _health(inputs: Inputs) -> Iterator[str]:
    if inputs.get("mustRun", True) and not (inputs.get("healthcheck") or {}).get("tests"):
        yield "it runs for good and has no health-check"


def _rights(inputs: Inputs) -> Iterator[str]:
    if str(inputs.get("user") or "0").partition(":")[0] in ("0", "root"):
        yield "it runs as root"
    capabilities = inputs.get("capabilities") or {}
    if list(capabilities.get("drops") or ()) != ["ALL"] or capabilities.get("adds"):
        yield "it keeps capabilities"
    if inputs.get("privileged") or "no-new-privileges:true" not in (inputs.get("securityOpts") or ()):
        yield "it may gain privileges"


def _logs(inputs: Inputs) -> Iterator[str]:
    if not (inputs.get("logOpts") or {}).get("max-size"):
        yield "its log grows without end"


def _secrets(inputs: Inputs) -> Iterator[str]:
    for line in inputs.get("envs") or ():
        name, _, value = str(line).partition("=")
        if may_be_secret(name, value):
            yield f"the variable {name} may hold a secret"


def may_be_secret(name: str, value: str) -> bool:
    """Tell whether a variable looks like a secret itself, and not like a place where one is."""
    told = _REFERENCE.search(name) or _REFERENCE.search(value)
    return bool(value and _SECRETIVE.search(name) and not told)


RULES = (
    Rule("loopback-only", _CONTAINER, "nothing of ours is for the neighbours", _ports),
    Rule("exact-tag", _IMAGE, "what ran yesterday runs tomorrow", _tag),
    Rule("limits", _CONTAINER, "one container must not take the machine from the others", _limits),
    Rule("health-check", _CONTAINER, "who waits for it must know when it works", _health),
    Rule("least-rights", _CONTAINER, "what breaks in must find nothing to use", _rights),
    Rule("log-rotation", _CONTAINER, "a full disk stops everything", _logs),
    Rule("no-secret-in-variables", _CONTAINER, "`docker inspect` shows them to whoever may ask", _secrets),
)
