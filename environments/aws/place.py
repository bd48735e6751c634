"""Where the stack is built: account, region and partition, asked once and never written down."""

from dataclasses import dataclass

import pulumi
from pulumi_aws.get_availability_zones import get_availability_zones
from pulumi_aws.get_caller_identity import get_caller_identity
from pulumi_aws.get_partition import get_partition
from pulumi_aws.get_region import get_region

# kafka-python signs by the region that botocore finds, which looks at this variable and not at AWS_REGION.
REGION_VARIABLE = "AWS_DEFAULT_REGION"


@dataclass(frozen=True)
class Place:
    """An account in a region; `zones` are those that are open to everybody."""

    account: str
    region: str
    partition: str
    dns_suffix: str
    zones: tuple[str, ...]

    def arn(self, service: str, resource: str) -> str:
        """Return the ARN of something of this account in this region."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"


def here(opts: pulumi.InvokeOptions | None = None) -> Place:
    """Ask AWS, by the credentials and the region that the stack is built with."""
    partition = get_partition(opts=opts)
    zones = get_availability_zones(
        state="available",
        # A Local Zone has no MSK and no MWAA.
        filters=[{"name": "opt-in-status", "values": ["opt-in-not-required"]}],
        opts=opts,
    )
    return Place(
        account=get_caller_identity(opts=opts).account_id,
        region=get_region(opts=opts).region,
        partition=partition.partition,
        dns_suffix=partition.dns_suffix,
        zones=tuple(sorted(zones.names)),
    )
