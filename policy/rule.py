"""What a rule is, and the short ways to write one.

Under Pulumi inputs are proxies, with no more methods than Mapping and Sequence have. A proxy raises for what
a preview can't know yet, which ends the rule for that resource.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from policy.resource import Resource

Inputs = Mapping[str, Any]
Look = Callable[[Inputs], Iterator[str]]


@dataclass(frozen=True)
class Rule:
    """A rule about resources of one type, why it is there, and the checks of auditors' tools that it mirrors.

    `advice` is told and stops nothing, for what a stack must break on its way down.
    """

    name: str
    kind: str
    why: str
    look: Look
    mirrors: tuple[str, ...] = ()
    advice: bool = False


@dataclass(frozen=True)
class StackRule:
    """A rule about all resources together; `look` yields a resource's name and what is wrong."""

    name: str
    why: str
    look: Callable[[Sequence[Resource]], Iterator[tuple[str, str]]]
    mirrors: tuple[str, ...] = ()
    advice: bool = False


def at(inputs: Inputs, path: str) -> Any:
    """Return what stands at `a.b.0.c`, None where there is nothing."""
    found: Any = inputs
    for word in path.split("."):
        if found is None:
            return None
        found = _item(found, word)
    return found


def _item(found: Any, word: str) -> Any:
    if word.isdigit():
        return found[int(word)] if int(word) < len(found) else None
    return found.get(word)


def equals(**wanted: object) -> Look:
    """Return a look for these values; `__` in a name is a dot of the path."""

    def look(inputs: Inputs) -> Iterator[str]:
        for name, value in wanted.items():
            path = name.replace("__", ".")
            if at(inputs, path) != value:
                yield f"{path} is {at(inputs, path)!r}, not {value!r}"

    return look


def present(*paths: str) -> Look:
    """Return a look for something at each of these paths."""

    def look(inputs: Inputs) -> Iterator[str]:
        for path in paths:
            if not at(inputs, path):
                yield f"{path} is missing"

    return look


def both(*looks: Look) -> Look:
    """Return a look for all of these."""

    def look(inputs: Inputs) -> Iterator[str]:
        for one in looks:
            yield from one(inputs)

    return look


def of(resources: Sequence[Resource], kind: str) -> list[Resource]:
    """Return those of a type."""
    return [resource for resource in resources if resource.type == kind]
