"""EC2's network."""

from typing import Any

from tests.aws_provider.cloud import Cloud
from tests.aws_provider.kind import Kind, Made, Props, first, kind, pick, tags


def tagged(want: Props, kind_of: str) -> list[dict[str, Any]] | None:
    given = tags(want)
    return [{"ResourceType": kind_of, "Tags": given}] if given else None


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
