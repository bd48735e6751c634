"""Pulumi's stack config, flat and all strings, as an environment's typed configuration; no Pulumi in here."""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from infra.config import ConfigError, PlatformConfig

PROJECT = "ecom"
# Says which environment a stack is, and so is a key of each.
CHOICE = f"{PROJECT}:environment"
# The flat key, the path of what it sets, and that field.
Key = tuple[str, tuple[str, ...], Any]
T = TypeVar("T", bound=BaseModel)
# Pulumi.yaml's config: each key with its type, meaning and default.
Declared = Mapping[str, Mapping[str, Any]]
NOTHING: Declared = MappingProxyType({})
# `images.python` reads better as imagePython.
_SINGULAR = ("images", "secrets", "cpus")


def flat(section: str, key: str) -> str:
    """Return a key's flat name: `kafka.heap_mb` is kafkaHeapMb."""
    first = section.removesuffix("s") if section in _SINGULAR else section
    return first + "".join(word.title() for word in key.split("_"))


def section_keys(section: str, model: type[BaseModel], *above: str) -> Iterator[Key]:
    """Yield each key of one section."""
    for key, field in model.model_fields.items():
        yield flat(section, key), (*above, section, key), field


def platform_keys(left_out: Collection[tuple[str, str]]) -> Iterator[Key]:
    """Yield each key of the platform's configuration but those that mean nothing in an environment."""
    for section, field in PlatformConfig.model_fields.items():
        for name, path, inner in section_keys(section, field.annotation, "platform"):  # type: ignore[arg-type]
            if path[1:] not in left_out:
                yield name, path, inner


def parse(
    model: type[T],
    keys: Iterable[Key],
    values: Mapping[str, str],
    source: str,
    declared: Declared,
) -> T:
    """Return the model that `values` make; raise ConfigError with a line for each wrong `ecom:…` key.

    `declared` is what Pulumi.yaml says of all environments' keys, whose defaults come along everywhere.
    """
    known = {f"{PROJECT}:{name}": (path, field) for name, path, field in keys}
    ours = {name for name in values if name.startswith(f"{PROJECT}:")} - {CHOICE}
    if refused := list(_refused(sorted(ours - known.keys()), values, declared)):
        allowed = ", ".join(sorted(name.removeprefix(f"{PROJECT}:") for name in known))
        raise ConfigError("\n".join(f"{told} (read from {source}); allowed: {allowed}" for told in refused))
    nested: dict[str, Any] = {}
    for name in ours & known.keys():
        (*above, last), field = known[name]
        inner = nested
        for part in above:
            inner = inner.setdefault(part, {})
        inner[last] = _typed(values[name], field.annotation)
    try:
        return model.model_validate(nested)
    except ValidationError as error:
        defaults = {path: field.default for path, field in known.values()}
        raise ConfigError(_explain(error, source, defaults)) from None


def _refused(unknown: Iterable[str], values: Mapping[str, str], declared: Declared) -> Iterator[str]:
    """Yield what is wrong with each key that this environment has not; nothing with another one's default."""
    for name in unknown:
        if name not in declared:
            yield f"{name}: unknown key"
        elif values[name] != _as_pulumi_writes(declared[name]["default"]):
            yield f"{name} = {values[name]!r}: a key of another environment than {CHOICE} or the name says"


def _as_pulumi_writes(default: Any) -> str:
    return default if isinstance(default, str) else json.dumps(default)


def _typed(value: str, wanted: Any) -> Any:
    """Return a value as what it should be, if it is that."""
    if wanted not in (int, bool):
        return value
    try:
        return TypeAdapter(wanted).validate_json(value)
    except ValidationError:
        return value


def _explain(error: ValidationError, source: str, defaults: Mapping[tuple[str, ...], Any]) -> str:
    lines = []
    for item in error.errors():
        message = item["msg"].removeprefix("Value error, ")
        # A pattern alone says little to whoever looks for a value.
        if item["type"] == "string_pattern_mismatch" and (good := defaults[item["loc"]]):  # type: ignore[index]
            message += f", like {good}"
        path = [str(part) for part in item["loc"] if part != "platform"]
        if len(path) > 1:
            section, key = path[:2]
            lines.append(
                f"{PROJECT}:{flat(section, key)} = {item['input']!r} (read from {source}): {message}"
            )
        else:
            lines.append(f"{PROJECT}:{message} (read from {source})")
    return "\n".join(lines)
