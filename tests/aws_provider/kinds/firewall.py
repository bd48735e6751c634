"""Security groups and their rules."""

import re

from tests.aws_provider.cloud import Cloud
from tests.aws_provider.kind import Kind, Made, Props, first, kind, pick
from tests.aws_provider.kinds.network import tagged

# EC2's own rule, which no service model tells.
_DESCRIPTION = re.compile(r"[0-9A-Za-z_ .:/()#,@\[\]+=&;{}!$*-]{0,255}")


def described(text: str) -> str:
    if not _DESCRIPTION.fullmatch(text):
        raise ValueError(f"description {text!r}: EC2 takes letters, digits and ._-:/()#,@[]+=&;{{}}!$* only")
    return text


@kind("ec2/securityGroup:SecurityGroup")
class SecurityGroup(Kind):
    autoname = ("name", 255)
    replaces = frozenset({"name", "description", "vpcId"})

    def create(self, cloud: Cloud, want: Props) -> Made:
        made = cloud.call(
            "ec2",
            "create_security_group",
            GroupName=want["name"],
            Description=described(want["description"]),
            VpcId=want["vpcId"],
            TagSpecifications=tagged(want, "security-group"),
        )
        return made["GroupId"], {"arn": cloud.arn("ec2", f"security-group/{made['GroupId']}")}

    def exists(self, cloud: Cloud, identity: str, state: Props) -> bool:
        return cloud.there("ec2", "describe_security_groups", GroupIds=[identity])

    def delete(self, cloud: Cloud, identity: str, state: Props) -> None:
        cloud.call("ec2", "delete_security_group", GroupId=identity)


@kind("ec2/defaultSecurityGroup:DefaultSecurityGroup")
class DefaultSecurityGroup(Kind):
    """Adopted, not made: all its rules are taken away. It goes with the VPC."""

    replaces = frozenset({"vpcId"})

    def create(self, cloud: Cloud, want: Props) -> Made:
        wanted = [
            {"Name": "vpc-id", "Values": [want["vpcId"]]},
            {"Name": "group-name", "Values": ["default"]},
        ]
        group = first(cloud.call("ec2", "describe_security_groups", Filters=wanted)["SecurityGroups"])
        if group["IpPermissions"]:
            cloud.call(
                "ec2",
                "revoke_security_group_ingress",
                GroupId=group["GroupId"],
                IpPermissions=group["IpPermissions"],
            )
        if group["IpPermissionsEgress"]:
            cloud.call(
                "ec2",
                "revoke_security_group_egress",
                GroupId=group["GroupId"],
                IpPermissions=group["IpPermissionsEgress"],
            )
        return group["GroupId"], {}

    def exists(self, cloud: Cloud, identity: str, state: Props) -> bool:
        return cloud.there("ec2", "describe_security_groups", GroupIds=[identity])

    def delete(self, cloud: Cloud, identity: str, state: Props) -> None:
        """Leave it to the VPC."""


class Rule(Kind):
    direction = ""
    replaces = frozenset({"securityGroupId", "ipProtocol"})

    def create(self, cloud: Cloud, want: Props) -> Made:
        permission: Props = {
            "IpProtocol": want["ipProtocol"],
            **pick(want, FromPort="fromPort", ToPort="toPort"),
        }
        text = {"Description": described(want["description"])} if want.get("description") else {}
        if want.get("referencedSecurityGroupId"):
            permission["UserIdGroupPairs"] = [{"GroupId": want["referencedSecurityGroupId"], **text}]
        else:
            permission["IpRanges"] = [{"CidrIp": want["cidrIpv4"], **text}]
        made = cloud.call(
            "ec2",
            f"authorize_security_group_{self.direction}",
            GroupId=want["securityGroupId"],
            IpPermissions=[permission],
            TagSpecifications=tagged(want, "security-group-rule"),
        )
        identity = first(made["SecurityGroupRules"])["SecurityGroupRuleId"]
        return identity, {"arn": cloud.arn("ec2", f"security-group-rule/{identity}")}

    def _there(self, cloud: Cloud, identity: str, state: Props) -> list[Props]:
        wanted = [{"Name": "group-id", "Values": [state["securityGroupId"]]}]
        found = cloud.call("ec2", "describe_security_group_rules", Filters=wanted)["SecurityGroupRules"]
        return [item for item in found if item["SecurityGroupRuleId"] == identity]

    def exists(self, cloud: Cloud, identity: str, state: Props) -> bool:
        return bool(self._there(cloud, identity, state))

    def found(self, cloud: Cloud, identity: str, state: Props) -> Props:
        return pick(first(self._there(cloud, identity, state)), cidrIpv4="CidrIpv4")

    def delete(self, cloud: Cloud, identity: str, state: Props) -> None:
        cloud.call(
            "ec2",
            f"revoke_security_group_{self.direction}",
            GroupId=state["securityGroupId"],
            SecurityGroupRuleIds=[identity],
        )


@kind("vpc/securityGroupIngressRule:SecurityGroupIngressRule")
class IngressRule(Rule):
    direction = "ingress"


@kind("vpc/securityGroupEgressRule:SecurityGroupEgressRule")
class EgressRule(Rule):
    direction = "egress"
