"""Stack config, parsed once: the platform's configuration and what only AWS asks for.

Pulumi's config is flat, so `kafkaPartitions` is `kafka.partitions` and `awsVpcCidr` is `aws.vpc_cidr` here;
`Pulumi.yaml` declares every key, and a test compares the two.
"""

import re
from collections.abc import Collection, Iterator, Mapping

from pydantic import BaseModel, ConfigDict

from environments.aws.options import Options
from infra import stack_config
from infra.config import ConfigError, PlatformConfig
from infra.stack_config import PROJECT, Key, platform_keys, section_keys

SECTION = "aws"
# An address, a heap or a shared buffer here is AWS's business, or follows from the size.
_NOT_HERE = {
    ("postgres", "port"),
    ("postgres", "shared_buffers_mb"),
    ("kafka", "port"),
    ("kafka", "heap_mb"),
    ("stream", "driver_memory_mb"),
    ("airflow", "port"),
    ("airflow", "dags_folder"),
    ("airflow", "parallelism"),
    ("airflow", "refresh_seconds"),
    ("airflow", "log_retention_days"),
    ("airflow", "metadata_retention_days"),
    ("dashboards", "port"),
}


class AwsConfig(BaseModel):
    """Everything that stack config may say. Each key has a default, some of which `production` refuses."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    platform: PlatformConfig = PlatformConfig()
    aws: Options = Options()  # type: ignore[call-arg]


def keys() -> Iterator[Key]:
    """Yield each key of stack config, where it belongs in AwsConfig, and its field."""
    yield from platform_keys(_NOT_HERE)
    yield from section_keys(SECTION, Options)


def parse(values: Mapping[str, str], source: str, others: Collection[str] = ()) -> AwsConfig:
    """Return the configuration of `ecom:…` keys; raise ConfigError with a line for each wrong one.

    `others` are keys of other environments, whose defaults in Pulumi.yaml come along and mean nothing here.
    """
    return stack_config.parse(AwsConfig, keys(), values, source, others)


def stack_name(name: str) -> str:
    """Return the prefix of all names in a stack; raise ConfigError for one that AWS refuses somewhere."""
    # A load balancer's name has 32 characters at most, and part of it is not the stack's.
    if not re.fullmatch(r"[a-z](-?[a-z0-9]){0,11}", name):
        raise ConfigError(
            f"the stack's name {name!r}: small letters, digits and single dashes, at most 12, as AWS wants it"
        )
    return f"{PROJECT}-{name}"
