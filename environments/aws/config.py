"""Stack config, parsed once: the platform's configuration and what only AWS asks for.

Pulumi's config is flat, so `kafkaPartitions` is `kafka.partitions` and `awsVpcCidr` is `aws.vpc_cidr` here;
`Pulumi.yaml` declares every key, and a test compares the two.
"""

import re
from collections.abc import Iterator, Mapping

from pydantic import BaseModel, ConfigDict

from environments.aws.options import Options
from infra import stack_config
from infra.config import ConfigError, PlatformConfig
from infra.stack_config import NOTHING, PROJECT, Declared, Key, platform_keys, section_keys

SECTION = "aws"
_REGION = "aws:region"
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


def parse(values: Mapping[str, str], source: str, declared: Declared = NOTHING) -> AwsConfig:
    """Return the configuration of `ecom:…` keys; raise ConfigError with a line for each wrong one.

    `declared` is Pulumi.yaml's config, with the defaults of the Docker environment's keys.
    """
    return stack_config.parse(AwsConfig, keys(), values, source, declared)


def check_region(options: Options, values: Mapping[str, str], source: str) -> None:
    """Raise ConfigError unless the stack names its region, and the certificate is of it."""
    region = values.get(_REGION, "")
    if not re.fullmatch(r"[a-z]{2,4}(-[a-z]+)+-\d+", region):
        raise ConfigError(
            f"{_REGION} = {region!r} (read from {source}): name one of `aws ec2 describe-regions`"
        )
    arn = options.certificate_arn
    # A load balancer takes no certificate of another region.
    if arn and (theirs := arn.split(":")[3]) != region:
        raise ConfigError(
            f"{PROJECT}:awsCertificateArn = {arn!r} (read from {source}): it is of {theirs}, and must be of"
            f" {_REGION}, {region}"
        )


def stack_name(name: str) -> str:
    """Return the prefix of all names in a stack; raise ConfigError for one that AWS refuses somewhere."""
    # A load balancer's name has 32 characters at most, and part of it is not the stack's.
    if not re.fullmatch(r"[a-z](-?[a-z0-9]){0,11}", name):
        raise ConfigError(
            f"the stack's name {name!r}: small letters, digits and single dashes, at most 12, as AWS wants"
            " it; `pulumi stack rename` gives it another"
        )
    return f"{PROJECT}-{name}"
