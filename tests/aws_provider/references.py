"""What a resource refers to must be there: ids and ARNs anywhere in its properties."""

import re
from collections.abc import Callable, Iterator
from typing import Any

from tests.aws_provider.cloud import ACCOUNT, Cloud

Ask = Callable[[Cloud, str], bool]
_ASKED: dict[str, Ask] = {
    r"subnet-[0-9a-f]{8,}": lambda cloud, text: cloud.there("ec2", "describe_subnets", SubnetIds=[text]),
    r"sg-[0-9a-f]{8,}": lambda cloud, text: cloud.there("ec2", "describe_security_groups", GroupIds=[text]),
    r"vpc-[0-9a-f]{8,}": lambda cloud, text: cloud.there("ec2", "describe_vpcs", VpcIds=[text]),
    rf"arn:aws:iam::{ACCOUNT}:role/.+": lambda cloud, text: cloud.there(
        "iam", "get_role", RoleName=text.rpartition("/")[2]
    ),
    r"arn:aws:kms:.+:key/.+": lambda cloud, text: cloud.there("kms", "describe_key", KeyId=text),
    r"arn:aws:s3:::[^/*]+": lambda cloud, text: cloud.there(
        "s3", "head_bucket", Bucket=text.rpartition(":")[2]
    ),
    r"arn:aws:logs:.+:log-group:[^*]+": lambda cloud, text: _log_group(cloud, text),
    r"arn:aws:secretsmanager:.+": lambda cloud, text: cloud.there(
        "secretsmanager", "describe_secret", SecretId=text
    ),
    r"arn:aws:sns:.+": lambda cloud, text: cloud.there("sns", "get_topic_attributes", TopicArn=text),
    r"arn:aws:elasticloadbalancing:.+:targetgroup/.+": lambda cloud, text: cloud.there(
        "elbv2", "describe_target_groups", TargetGroupArns=[text]
    ),
}


def dangling(cloud: Cloud, properties: dict[str, Any]) -> list[str]:
    """Return the ids and ARNs that lead nowhere."""
    return sorted(
        {
            text
            for text in _texts(properties)
            for pattern, ask in _ASKED.items()
            if re.fullmatch(pattern, text) and not ask(cloud, text)
        }
    )


def _log_group(cloud: Cloud, arn: str) -> bool:
    name = arn.partition(":log-group:")[2].removesuffix(":*")
    found = cloud.call("logs", "describe_log_groups", logGroupNamePrefix=name)["logGroups"]
    return any(group["logGroupName"] == name for group in found)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, str):
        yield value
