"""Stack config, parsed once: the platform's configuration and what only AWS asks for.

Pulumi's config is flat, so `kafkaPartitions` is `kafka.partitions` and `awsVpcCidr` is `aws.vpc_cidr` here;
`Pulumi.yaml` declares every key, and a test compares the two.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from environments.aws.options import Options
from infra.config import ConfigError, PlatformConfig

PROJECT = "ecom"
SECTION = "aws"
# An address, a heap or a shared buffer here is AWS's business, or follows from the size.
_NOT_HERE = {
    ("postgres", "port"),
    ("postgres", "shared_buffers_mb"),
    ("kafka", "port"),
    ("kafka", "heap_mb"),
    ("airflow", "port"),
    ("airflow", "dags_folder"),
    ("airflow", "parallelism"),
    ("airflow", "refresh_seconds"),
    ("airflow", "log_retention_days"),
    ("airflow", "metadata_retention_days"),
    ("dashboards", "port"),
}


class AwsConfig(BaseModel):
    """Everything that stack config may say; only `production` has keys without a default that will do."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    platform: PlatformConfig = PlatformConfig()
    aws: Options = Options()  # type: ignore[call-arg]


def keys() -> Iterator[tuple[str, tuple[str, ...], Any]]:
    """Yield each key of stack config, where it belongs in AwsConfig, and its field."""
    for name, field in PlatformConfig.model_fields.items():
        for key, inner in field.annotation.model_fields.items():  # type: ignore[union-attr]
            if (name, key) not in _NOT_HERE:
                yield _camel(name, key), ("platform", name, key), inner
    for key, inner in Options.model_fields.items():
        yield _camel(SECTION, key), (SECTION, key), inner


def parse(values: Mapping[str, str], source: str, others: Collection[str] = ()) -> AwsConfig:
    """Return the configuration of `ecom:…` keys; raise ConfigError with a line for each wrong one.

    `others` are keys of other environments, whose defaults in Pulumi.yaml come along and mean nothing here.
    """
    known = {f"{PROJECT}:{key}": (place, field) for key, place, field in keys()}
    ours = {name: value for name, value in values.items() if name.startswith(f"{PROJECT}:")}
    unknown = sorted(set(ours) - set(known) - set(others))
    if unknown:
        allowed = ", ".join(sorted(name.removeprefix(f"{PROJECT}:") for name in known))
        raise ConfigError(
            "\n".join(f"{name}: unknown key (read from {source}); allowed: {allowed}" for name in unknown)
        )
    nested: dict[str, Any] = {}
    for name in ours.keys() & known.keys():
        place, field = known[name]
        inner = nested
        for part in place[:-1]:
            inner = inner.setdefault(part, {})
        inner[place[-1]] = _typed(ours[name], field.annotation)
    try:
        return AwsConfig.model_validate(nested)
    except ValidationError as error:
        raise ConfigError(_explain(error, source)) from None


def _typed(value: str, wanted: Any) -> Any:
    """Return a value of Pulumi's, all of which are strings, as what it should be, if it is that."""
    if wanted not in (int, bool):
        return value
    try:
        return TypeAdapter(wanted).validate_json(value)
    except ValidationError:
        return value


def _explain(error: ValidationError, source: str) -> str:
    lines = []
    for item in error.errors():
        message = item["msg"].removeprefix("Value error, ")
        place = [str(part) for part in item["loc"] if part != "platform"]
        if len(place) > 1:
            lines.append(
                f"{PROJECT}:{_camel(*place[:2])} = {item['input']!r} (read from {source}): {message}"
            )
        else:
            lines.append(f"{PROJECT}:{message} (read from {source})")
    return "\n".join(lines)


def _camel(section: str, key: str) -> str:
    return section + "".join(word.title() for word in key.split("_"))


def stack_name(name: str) -> str:
    """Return the prefix of all names in a stack; raise ConfigError for one that AWS refuses somewhere."""
    # A load balancer's name has 32 characters at most, and part of it is not the stack's.
    if not re.fullmatch(r"[a-z](-?[a-z0-9]){0,11}", name):
        raise ConfigError(
            f"the stack's name {name!r}: small letters, digits and single dashes, at most 12, as AWS wants it"
        )
    return f"{PROJECT}-{name}"
