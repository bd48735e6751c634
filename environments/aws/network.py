"""The network: a VPC of our own over two or three zones, or an existing one by its id.

Everything with state is in private subnets. The way out is a NAT gateway; S3 has a gateway endpoint, which is
free and keeps the bulk of the traffic off the NAT.
"""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws.cloudwatch as cloudwatch
import pulumi_aws.ec2 as ec2

from environments.aws.options import Options
from environments.aws.place import Place
from environments.aws.policies import allow
from environments.aws.role import Role, RoleArgs


@dataclass(frozen=True)
class NetworkArgs:
    """What stack config says about the network, and the key that its logs are encrypted with."""

    options: Options
    place: Place
    key_arn: pulumi.Input[str]

    def __post_init__(self) -> None:
        """Refuse zones that the region has not."""
        unknown = sorted(set(self.options.zone_list) - set(self.place.zones))
        if unknown:
            there_are = ", ".join(self.place.zones)
            raise ValueError(
                f"awsZoneNames: {self.place.region} has no {', '.join(unknown)}, only {there_are}"
            )
        if not self.options.vpc_id and self.options.zones > len(self.place.zones):
            count = len(self.place.zones)
            raise ValueError(f"awsZones = {self.options.zones}: {self.place.region} has {count}")


class Network(pulumi.ComponentResource):
    """`vpc_id`, `private_subnets` and `public_subnets`, which has none where nothing is public."""

    vpc_id: pulumi.Output[str]
    private_subnets: list[pulumi.Output[str]]
    public_subnets: list[pulumi.Output[str]]

    def __init__(self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ecom:aws:Network", name, {}, opts)
        self._name, self._args = name, args
        self._inner = pulumi.ResourceOptions(parent=self)
        if args.options.vpc_id:
            self._take(args.options)
        else:
            self._make(args.options)
        self.register_outputs({"vpc_id": self.vpc_id})

    def _take(self, options: Options) -> None:
        zones = [self._zone(subnet, options.vpc_id) for subnet in options.private_subnets]
        if len(set(zones)) != len(zones):
            raise ValueError(f"awsPrivateSubnetIds: two are in one zone: {', '.join(sorted(zones))}")
        for subnet in options.public_subnets:
            self._zone(subnet, options.vpc_id)
        self.vpc_id = pulumi.Output.from_input(options.vpc_id)
        self.private_subnets = [pulumi.Output.from_input(subnet) for subnet in options.private_subnets]
        self.public_subnets = [pulumi.Output.from_input(subnet) for subnet in options.public_subnets]

    def _zone(self, subnet: str, vpc_id: str) -> str:
        found = ec2.get_subnet(id=subnet, opts=pulumi.InvokeOptions(parent=self))
        if found.vpc_id != vpc_id:
            raise ValueError(f"subnet {subnet}: is in {found.vpc_id}, not in awsVpcId = {vpc_id}")
        return found.availability_zone

    def _make(self, options: Options) -> None:
        self.vpc = ec2.Vpc(
            f"{self._name}-vpc",
            cidr_block=options.vpc_cidr,
            enable_dns_support=True,
            enable_dns_hostnames=True,
            opts=self._inner,
        )
        self.vpc_id = self.vpc.id
        # Whoever forgets to name a security group gets one that lets nothing in or out.
        ec2.DefaultSecurityGroup(f"{self._name}-default", vpc_id=self.vpc.id, opts=self._inner)
        zones = options.zone_list or self._args.place.zones[: options.zones]
        blocks = subnets(options.vpc_cidr, len(zones))
        public = [self._subnet("public", *pair) for pair in zip(zones, blocks.public, strict=True)]
        private = [self._subnet("private", *pair) for pair in zip(zones, blocks.private, strict=True)]
        self._ways_out(zones, public, private)
        self._flow_log()

    def _ways_out(
        self, zones: Sequence[str], public: Sequence[ec2.Subnet], private: Sequence[ec2.Subnet]
    ) -> None:
        internet = ec2.InternetGateway(f"{self._name}-internet", vpc_id=self.vpc.id, opts=self._inner)
        outer = [
            self._way_out(f"public-{zone}", subnet, gateway_id=internet.id)
            for zone, subnet in zip(zones, public, strict=True)
        ]
        gateways = self._gateways(zones, public, internet)
        inner = [
            self._way_out(f"private-{zone}", subnet, nat_gateway_id=gateway.id)
            for zone, subnet, gateway in zip(zones, private, gateways, strict=True)
        ]
        self.public_subnets = [way.subnet for way in outer]
        self.private_subnets = [way.subnet for way in inner]
        self._s3_endpoint([way.table for way in inner])

    def _subnet(self, kind: str, zone: str, block: str) -> ec2.Subnet:
        return ec2.Subnet(
            f"{self._name}-{kind}-{zone}",
            vpc_id=self.vpc.id,
            availability_zone=zone,
            cidr_block=block,
            map_public_ip_on_launch=False,
            opts=self._inner,
        )

    def _gateways(
        self, zones: Sequence[str], public: Sequence[ec2.Subnet], internet: ec2.InternetGateway
    ) -> list[ec2.NatGateway]:
        """Return the NAT gateway of each zone, which may be the same one."""
        count = 1 if self._args.options.nat == "single" else len(zones)
        made = [
            self._nat(zone, subnet, internet)
            for zone, subnet in list(zip(zones, public, strict=True))[:count]
        ]
        return made if count == len(zones) else made * len(zones)

    def _nat(self, zone: str, subnet: ec2.Subnet, internet: ec2.InternetGateway) -> ec2.NatGateway:
        after = pulumi.ResourceOptions(parent=self, depends_on=[internet])
        address = ec2.Eip(f"{self._name}-nat-{zone}", domain="vpc", opts=after)
        return ec2.NatGateway(
            f"{self._name}-nat-{zone}", allocation_id=address.id, subnet_id=subnet.id, opts=after
        )

    def _way_out(
        self,
        label: str,
        subnet: ec2.Subnet,
        gateway_id: pulumi.Input[str] | None = None,
        nat_gateway_id: pulumi.Input[str] | None = None,
    ) -> "_WayOut":
        name = f"{self._name}-{label}"
        table = ec2.RouteTable(name, vpc_id=self.vpc.id, opts=self._inner)
        route = ec2.Route(
            f"{name}-out",
            route_table_id=table.id,
            destination_cidr_block="0.0.0.0/0",
            gateway_id=gateway_id,
            nat_gateway_id=nat_gateway_id,
            opts=self._inner,
        )
        taken = ec2.RouteTableAssociation(
            f"{name}-of-subnet", route_table_id=table.id, subnet_id=subnet.id, opts=self._inner
        )
        # Who is put into the subnet finds the way out, and on the way down is gone before it is.
        ready = pulumi.Output.all(subnet.id, route.id, taken.id).apply(lambda ids: str(ids[0]))
        return _WayOut(table, ready)

    def _s3_endpoint(self, tables: Sequence[ec2.RouteTable]) -> None:
        ec2.VpcEndpoint(
            f"{self._name}-s3",
            vpc_id=self.vpc.id,
            service_name=f"com.amazonaws.{self._args.place.region}.s3",
            vpc_endpoint_type="Gateway",
            route_table_ids=[table.id for table in tables],
            opts=self._inner,
        )

    def _flow_log(self) -> None:
        group = cloudwatch.LogGroup(
            f"{self._name}-flows",
            retention_in_days=self._args.options.capacity.log_days,
            kms_key_id=self._args.key_arn,
            opts=self._inner,
        )
        role = Role(
            f"{self._name}-flows",
            RoleArgs(
                place=self._args.place,
                services=["vpc-flow-logs.amazonaws.com"],
                inputs={"group": group.arn},
                allow=lambda values: [
                    allow(
                        ["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"],
                        [f"{values['group']}:*"],
                    )
                ],
            ),
            self._inner,
        )
        ec2.FlowLog(
            f"{self._name}-flows",
            vpc_id=self.vpc.id,
            traffic_type="ALL",
            log_destination=group.arn,
            iam_role_arn=role.arn,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[role]),
        )


@dataclass(frozen=True)
class _WayOut:
    """A route table, and its subnet's id, known once the route is there and the subnet's own."""

    table: ec2.RouteTable
    subnet: pulumi.Output[str]


@dataclass(frozen=True)
class Blocks:
    """Address blocks of subnets, one of each kind in each zone."""

    private: list[str]
    public: list[str]


def subnets(cidr: str, zones: int) -> Blocks:
    """Return the blocks: a quarter of the VPC for each zone's private subnet, sixteenths for the public ones.

    The last quarter holds the public subnets, so that a third zone added later moves none of the others.
    """
    quarters = list(ipaddress.IPv4Network(cidr).subnets(prefixlen_diff=2))
    sixteenths = quarters[3].subnets(prefixlen_diff=2)
    return Blocks(
        private=[str(block) for block in quarters[:zones]],
        public=[str(block) for _, block in zip(range(zones), sixteenths, strict=False)],
    )
