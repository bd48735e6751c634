"""EC2's network, and what is asked about the place."""

import re
from typing import Any

from tests.aws_provider.cloud import ACCOUNT, Cloud
from tests.aws_provider.kind import Kind, Made, Props, first, invoke, kind, pick, tags

# EC2's own rule, which no service model tells.
_DESCRIPTION = re.compile(r"[0-9A-Za-z_ .:/()#,@\[\]+=&;{}!$*-]{0,255}")


def tagged(want: Props, kind_of: str) -> list[dict[str, Any]] | None:
    given = tags(want)
    return [{"ResourceType": kind_of, "Tags": given}] if given else None


def described(text: str) -> str:
    if not _DESCRIPTION.fullmatch(text):
        raise ValueError(f"description {text!r}: EC2 takes letters, digits and ._-:/()#,@[]+=&;{{}}!$* only")
    return text


class Ec2(Kind):
    """What most of EC2 has in common: described and deleted by one id."""

    resource = ""
    plural = ""

    def exists(self, cloud: Cloud, identity: str, state: Props) -> bool:
        parameter = "".join(part.title() for part in self.resource.split("_")) + "Ids"
        return cloud.there("ec2", f"describe_{self.plural or self.resource + 's'}", **{parameter: [identity]})

    def delete(self, cloud: Cloud, identity: str, state: Props) -> None:
        parameter = "".join(part.title() for part in self.resource.split("_")) + "Id"
        cloud.call("ec2", f"delete_{self.resource}", **{parameter: identity})


@kind("ec2/vpc:Vpc")
class Vpc(Ec2):
    resource = "vpc"
    replaces = frozenset({"cidrBlock"})

    def create(self, cloud: Cloud, want: Props) -> Made:
        made = cloud.call(
            "ec2", "create_vpc", CidrBlock=want["cidrBlock"], TagSpecifications=tagged(want, "vpc")
        )["Vpc"]
        for name in ("enableDnsSupport", "enableDnsHostnames"):
            change = {name[0].upper() + name[1:]: {"Value": want.get(name, False)}}
            cloud.call("ec2", "modify_vpc_attribute", VpcId=made["VpcId"], **change)
        groups = cloud.call(
            "ec2", "describe_security_groups", Filters=[{"Name": "vpc-id", "Values": [made["VpcId"]]}]
        )["SecurityGroups"]
        return made["VpcId"], {
            "arn": cloud.arn("ec2", f"vpc/{made['VpcId']}"),
            "defaultSecurityGroupId": first(groups)["GroupId"],
        }


@kind("ec2/subnet:Subnet")
class Subnet(Ec2):
    resource = "subnet"
    replaces = frozenset({"cidrBlock", "availabilityZone", "vpcId"})

    def create(self, cloud: Cloud, want: Props) -> Made:
        made = cloud.call(
            "ec2",
            "create_subnet",
            VpcId=want["vpcId"],
            CidrBlock=want["cidrBlock"],
            AvailabilityZone=want["availabilityZone"],
            TagSpecifications=tagged(want, "subnet"),
        )["Subnet"]
        return made["SubnetId"], {"arn": cloud.arn("ec2", f"subnet/{made['SubnetId']}")}


@kind("ec2/internetGateway:InternetGateway")
class InternetGateway(Ec2):
    resource = "internet_gateway"
    replaces = frozenset({"vpcId"})

    def create(self, cloud: Cloud, want: Props) -> Made:
        made = cloud.call(
            "ec2", "create_internet_gateway", TagSpecifications=tagged(want, "internet-gateway")
        )
        identity = made["InternetGateway"]["InternetGatewayId"]
        cloud.call("ec2", "attach_internet_gateway", InternetGatewayId=identity, VpcId=want["vpcId"])
        return identity, {"arn": cloud.arn("ec2", f"internet-gateway/{identity}")}

    def delete(self, cloud: Cloud, identity: str, state: Props) -> None:
        cloud.call("ec2", "detach_internet_gateway", InternetGatewayId=identity, VpcId=state["vpcId"])
        super().delete(cloud, identity, state)


@kind("ec2/eip:Eip")
class Eip(Ec2):
    def create(self, cloud: Cloud, want: Props) -> Made:
        made = cloud.call(
            "ec2",
            "allocate_address",
            Domain=want["domain"],
            TagSpecifications=tagged(want, "elastic-ip"),
        )
        return made["AllocationId"], {"allocationId": made["AllocationId"], "publicIp": made["PublicIp"]}

    def exists(self, cloud: Cloud, identity: str, state: Props) -> bool:
        return cloud.there("ec2", "describe_addresses", AllocationIds=[identity])

    def delete(self, cloud: Cloud, identity: str, state: Props) -> None:
        cloud.call("ec2", "release_address", AllocationId=identity)


@kind("ec2/natGateway:NatGateway")
class NatGateway(Ec2):
    resource = "nat_gateway"
    replaces = frozenset({"allocationId", "subnetId"})

    def create(self, cloud: Cloud, want: Props) -> Made:
        made = cloud.call(
            "ec2",
            "create_nat_gateway",
            AllocationId=want["allocationId"],
            SubnetId=want["subnetId"],
            TagSpecifications=tagged(want, "natgateway"),
        )["NatGateway"]
        return made["NatGatewayId"], {}


@kind("ec2/routeTable:RouteTable")
class RouteTable(Ec2):
    resource = "route_table"
    replaces = frozenset({"vpcId"})

    def create(self, cloud: Cloud, want: Props) -> Made:
        made = cloud.call(
            "ec2",
            "create_route_table",
            VpcId=want["vpcId"],
            TagSpecifications=tagged(want, "route-table"),
        )["RouteTable"]
        return made["RouteTableId"], {"arn": cloud.arn("ec2", f"route-table/{made['RouteTableId']}")}


@kind("ec2/route:Route")
class Route(Kind):
    replaces = frozenset({"routeTableId", "destinationCidrBlock"})

    def _params(self, want: Props) -> Props:
        return {
            "RouteTableId": want["routeTableId"],
            "DestinationCidrBlock": want["destinationCidrBlock"],
            **pick(want, GatewayId="gatewayId", NatGatewayId="natGatewayId"),
        }

    def create(self, cloud: Cloud, want: Props) -> Made:
        cloud.call("ec2", "create_route", **self._params(want))
        return f"r-{want['routeTableId']}-{want['destinationCidrBlock']}", {}

    def update(self, cloud: Cloud, identity: str, old: Props, want: Props) -> Props:
        cloud.call("ec2", "replace_route", **self._params(want))
        return {}

    def exists(self, cloud: Cloud, identity: str, state: Props) -> bool:
        if not cloud.there("ec2", "describe_route_tables", RouteTableIds=[state["routeTableId"]]):
            return False
        tables = cloud.call("ec2", "describe_route_tables", RouteTableIds=[state["routeTableId"]])
        routes = first(tables["RouteTables"])["Routes"]
        return any(item.get("DestinationCidrBlock") == state["destinationCidrBlock"] for item in routes)

    def delete(self, cloud: Cloud, identity: str, state: Props) -> None:
        cloud.call(
            "ec2",
            "delete_route",
            RouteTableId=state["routeTableId"],
            DestinationCidrBlock=state["destinationCidrBlock"],
        )


@kind("ec2/routeTableAssociation:RouteTableAssociation")
class RouteTableAssociation(Kind):
    replaces = frozenset({"routeTableId", "subnetId"})

    def create(self, cloud: Cloud, want: Props) -> Made:
        made = cloud.call(
            "ec2", "associate_route_table", RouteTableId=want["routeTableId"], SubnetId=want["subnetId"]
        )
        return made["AssociationId"], {}

    def exists(self, cloud: Cloud, identity: str, state: Props) -> bool:
        wanted = [{"Name": "association.route-table-association-id", "Values": [identity]}]
        return cloud.there("ec2", "describe_route_tables", Filters=wanted)

    def delete(self, cloud: Cloud, identity: str, state: Props) -> None:
        cloud.call("ec2", "disassociate_route_table", AssociationId=identity)


@kind("ec2/vpcEndpoint:VpcEndpoint")
class VpcEndpoint(Kind):
    replaces = frozenset({"vpcId", "serviceName", "vpcEndpointType"})

    def create(self, cloud: Cloud, want: Props) -> Made:
        made = cloud.call(
            "ec2",
            "create_vpc_endpoint",
            VpcId=want["vpcId"],
            ServiceName=want["serviceName"],
            VpcEndpointType=want["vpcEndpointType"],
            RouteTableIds=want.get("routeTableIds"),
            TagSpecifications=tagged(want, "vpc-endpoint"),
        )["VpcEndpoint"]
        return made["VpcEndpointId"], {"arn": cloud.arn("ec2", f"vpc-endpoint/{made['VpcEndpointId']}")}

    def update(self, cloud: Cloud, identity: str, old: Props, want: Props) -> Props:
        before, after = set(old.get("routeTableIds") or ()), set(want.get("routeTableIds") or ())
        cloud.pretend(
            "ec2",
            "ModifyVpcEndpoint",
            VpcEndpointId=identity,
            AddRouteTableIds=sorted(after - before),
            RemoveRouteTableIds=sorted(before - after),
        )
        return {}

    def exists(self, cloud: Cloud, identity: str, state: Props) -> bool:
        found = cloud.call("ec2", "describe_vpc_endpoints")["VpcEndpoints"]
        return any(item["VpcEndpointId"] == identity and item["State"] != "deleted" for item in found)

    def delete(self, cloud: Cloud, identity: str, state: Props) -> None:
        cloud.call("ec2", "delete_vpc_endpoints", VpcEndpointIds=[identity])


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


@kind("ec2/flowLog:FlowLog")
class FlowLog(Kind):
    replaces = frozenset({"vpcId", "trafficType", "logDestination", "iamRoleArn"})

    def create(self, cloud: Cloud, want: Props) -> Made:
        made = cloud.call(
            "ec2",
            "create_flow_logs",
            ResourceIds=[want["vpcId"]],
            ResourceType="VPC",
            TrafficType=want["trafficType"],
            LogGroupName=want["logDestination"].rpartition(":log-group:")[2],
            DeliverLogsPermissionArn=want["iamRoleArn"],
            TagSpecifications=tagged(want, "vpc-flow-log"),
        )
        if made.get("Unsuccessful"):
            raise ValueError(f"flow log: {made['Unsuccessful']}")
        return first(made["FlowLogIds"]), {}

    def exists(self, cloud: Cloud, identity: str, state: Props) -> bool:
        return cloud.there("ec2", "describe_flow_logs", FlowLogIds=[identity])

    def delete(self, cloud: Cloud, identity: str, state: Props) -> None:
        cloud.call("ec2", "delete_flow_logs", FlowLogIds=[identity])


@invoke("ec2/getSubnet:getSubnet")
def get_subnet(cloud: Cloud, asked: Props) -> Props:
    found = first(cloud.call("ec2", "describe_subnets", SubnetIds=[asked["id"]])["Subnets"])
    return {
        "id": found["SubnetId"],
        "vpcId": found["VpcId"],
        "availabilityZone": found["AvailabilityZone"],
        "cidrBlock": found["CidrBlock"],
    }


@invoke("index/getAvailabilityZones:getAvailabilityZones")
def get_zones(cloud: Cloud, asked: Props) -> Props:
    found = cloud.call("ec2", "describe_availability_zones")["AvailabilityZones"]
    names = [zone["ZoneName"] for zone in found if zone["State"] == asked.get("state", "available")]
    return {"id": cloud.region, "names": names, "groupNames": [], "zoneIds": []}


@invoke("index/getCallerIdentity:getCallerIdentity")
def get_identity(cloud: Cloud, asked: Props) -> Props:
    found = cloud.call("sts", "get_caller_identity")
    return {"id": ACCOUNT, "accountId": found["Account"], "arn": found["Arn"], "userId": found["UserId"]}


@invoke("index/getRegion:getRegion")
def get_region(cloud: Cloud, asked: Props) -> Props:
    return {"id": cloud.region, "region": cloud.region, "description": "", "endpoint": ""}


@invoke("index/getPartition:getPartition")
def get_partition(cloud: Cloud, asked: Props) -> Props:
    return {
        "id": "aws",
        "partition": "aws",
        "dnsSuffix": "amazonaws.com",
        "reverseDnsPrefix": "com.amazonaws",
    }
