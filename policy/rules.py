"""The rules, by the kind of resource that they look at; each yields what is wrong in words."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from policy.resource import Resource

_LOOPBACK = "127.0.0.1"
_SECRETIVE = re.compile(r"PASSWORD|PASSWD|SECRET|TOKEN|(^|_)(PASS|KEY)(_|$)")
# What names a place where the secret is, or a command that prints it, is none.
_REFERENCE = re.compile(r"_(FILE|REF|CMD|PATH)$|(file:|/run/secrets/|arn:aws)")


@dataclass(frozen=True)
class Rule:
    """A rule and why it is there."""

    name: str
    kind: str
    why: str
    look: Callable[[Mapping[str, Any]], Iterator[str]]


def broken(resources: Iterable[Resource]) -> list[str]:
    """Return a line for each rule that a resource does not keep."""
    return [
        f"{resource.name}: {rule.name}: {wrong} ({rule.why})"
        for resource in resources
        for rule in RULES
        if rule.kind == resource.kind
        for wrong in rule.look(resource.inputs)
    ]


def _ports(inputs: Mapping[str, Any]) -> Iterator[str]:
    for port in inputs.get("ports") or ():
        if port.get("ip") != _LOOPBACK:
            yield f"port {port.get('external')} is published on {port.get('ip') or 'every address'}"


def _tag(inputs: Mapping[str, Any]) -> Iterator[str]:
    name = str(inputs.get("name", ""))
    tag = name.rsplit("/", 1)[-1].partition("@")[0].partition(":")[2]
    if "@sha256:" not in name and tag in ("", "latest"):
        yield f"{name or 'an image without a name'} has no exact tag"


def _limits(inputs: Mapping[str, Any]) -> Iterator[str]:
    for name in ("memory", "cpus"):
        if not inputs.get(name):
            yield f"{name} has no limit"
    if inputs.get("memorySwap") != inputs.get("memory"):
        yield "it may swap"


def _health(inputs: Mapping[str, Any]) -> Iterator[str]:
    if inputs.get("mustRun", True) and not (inputs.get("healthcheck") or {}).get("tests"):
        yield "it runs for good and has no health-check"


def _rights(inputs: Mapping[str, Any]) -> Iterator[str]:
    if str(inputs.get("user") or "0").partition(":")[0] in ("0", "root"):
        yield "it runs as root"
    capabilities = inputs.get("capabilities") or {}
    if capabilities.get("drops") != ["ALL"] or capabilities.get("adds"):
        yield "it keeps capabilities"
    if inputs.get("privileged") or "no-new-privileges:true" not in (inputs.get("securityOpts") or ()):
        yield "it may gain privileges"


def _logs(inputs: Mapping[str, Any]) -> Iterator[str]:
    if not (inputs.get("logOpts") or {}).get("max-size"):
        yield "its log grows without end"


def _secrets(inputs: Mapping[str, Any]) -> Iterator[str]:
    for line in inputs.get("envs") or ():
        name, _, value = str(line).partition("=")
        if _SECRETIVE.search(name) and value and not (_REFERENCE.search(name) or _REFERENCE.search(value)):
            yield f"the variable {name} may hold a secret"


RULES = (
    Rule("loopback-only", "Container", "nothing of ours is for the neighbours", _ports),
    Rule("exact-tag", "RemoteImage", "what ran yesterday runs tomorrow", _tag),
    Rule("limits", "Container", "one container must not take the machine from the others", _limits),
    Rule("health-check", "Container", "who waits for it must know when it works", _health),
    Rule("least-rights", "Container", "what breaks in must find nothing to use", _rights),
    Rule("log-rotation", "Container", "a full disk stops everything", _logs),
    Rule("no-secret-in-variables", "Container", "`docker inspect` shows them to whoever may ask", _secrets),
)
