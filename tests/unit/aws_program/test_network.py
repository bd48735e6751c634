"""The network and who may talk to whom."""

import ipaddress
from collections import Counter

import pytest

from tests.unit.aws_mocks import NAME, REGION, VPC, ZONES, config, made, one


class TestNetwork:
    @pytest.mark.parametrize(
        ("zones", "nat", "gateways"), [(2, "single", 1), (3, "single", 1), (3, "per-zone", 3)]
    )
    def test_nat_as_asked_for(self, zones, nat, gateways, folder):
        recorder = made(config(folder, zones=str(zones), nat=nat))
        assert len(recorder.of("NatGateway")) == len(recorder.of("Eip")) == gateways
        assert len(recorder.of("Subnet")) == 2 * zones
        out = {
            inputs["natGatewayId"]
            for name, inputs in recorder.of("ec2/route:Route").items()
            if "private" in name
        }
        assert len(out) == gateways
        zones_used = Counter(inputs["availabilityZone"] for inputs in recorder.of("Subnet").values())
        assert zones_used == {f"{REGION}{letter}": 2 for letter in "abc"[:zones]}

    def test_zones_as_somebody_chose_them(self, folder):
        recorder = made(config(folder, zoneNames=f"{REGION}c, {REGION}b"))
        zones = {inputs["availabilityZone"] for inputs in recorder.of("Subnet").values()}
        assert zones == {f"{REGION}c", f"{REGION}b"}

    def test_who_is_put_into_a_subnet_comes_after_its_way_out(self, small, production):
        def ways(kind: str) -> set[str]:
            names = {f"{NAME}-net-{kind}-{REGION}{zone}" for zone in "ab"}
            return {f"{name}-{part}" for name in names for part in ("out", "of-subnet")}

        for user in ("airflow", "warehouse-subnets", "events", "spark-batch", "metabase"):
            assert ways("private") <= small.after[f"{NAME}-{user}"], user
        assert ways("public") <= production.after[f"aws:lb/loadBalancer:LoadBalancer {NAME}-bi"]

    @pytest.mark.parametrize("cidr", ["10.60.0.0/16", "192.168.8.0/22"])
    def test_subnets_lie_in_the_vpc_and_do_not_overlap(self, cidr, folder):
        recorder = made(config(folder, zones="3", vpcCidr=cidr))
        blocks = [ipaddress.IPv4Network(inputs["cidrBlock"]) for inputs in recorder.of("Subnet").values()]
        assert all(block.subnet_of(ipaddress.IPv4Network(cidr)) for block in blocks)
        assert not any(a.overlaps(b) for i, a in enumerate(blocks) for b in blocks[:i])

    def test_a_third_zone_moves_none_of_the_others(self, folder):
        two, three = (made(config(folder, zones=zones)).of("Subnet") for zones in ("2", "3"))
        assert {name: inputs["cidrBlock"] for name, inputs in two.items()}.items() <= {
            name: inputs["cidrBlock"] for name, inputs in three.items()
        }.items()

    def test_state_is_in_private_subnets(self, small):
        private = {f"{name}-id" for name in small.of("Subnet") if "private" in name}
        cluster = one(small, "msk/cluster:Cluster")["brokerNodeGroupInfo"]
        assert set(one(small, "SubnetGroup")["subnetIds"]) == private
        assert set(cluster["clientSubnets"]) == private
        airflow = one(small, "mwaa/environment:Environment")["networkConfiguration"]
        assert set(airflow["subnetIds"]) == private
        for inputs in small.of("Application").values():
            assert set(inputs["networkConfiguration"]["subnetIds"]) == private
        for inputs in small.of("ecs/service:Service").values():
            assert set(inputs["networkConfiguration"]["subnets"]) == private
            assert inputs["networkConfiguration"]["assignPublicIp"] is False

    def test_s3_is_reached_without_nat_and_flows_are_logged(self, small):
        endpoint = one(small, "VpcEndpoint")
        assert endpoint["serviceName"] == f"com.amazonaws.{REGION}.s3"
        assert len(endpoint["routeTableIds"]) == 2
        assert one(small, "FlowLog")["trafficType"] == "ALL"

    def test_an_existing_vpc_is_used_and_nothing_made_in_it_but_security_groups(self, folder):
        ids = ",".join(list(ZONES)[:2])
        recorder = made(config(folder, vpcId=VPC, privateSubnetIds=ids))
        for kind in ("ec2/vpc:Vpc", "Subnet", "NatGateway", "RouteTable", "VpcEndpoint", "FlowLog"):
            assert recorder.of(kind) == {}
        assert {inputs["vpcId"] for inputs in recorder.of("SecurityGroup").values()} == {VPC}
        assert one(recorder, "SubnetGroup")["subnetIds"] == ids.split(",")

    def test_ingress_names_groups_and_only_the_load_balancers_443_is_open(self, small, production):
        for recorder in (small, production):
            wide = [
                (name, inputs["fromPort"])
                for name, inputs in recorder.of("SecurityGroupIngressRule").items()
                if "referencedSecurityGroupId" not in inputs
            ]
            expected = [(f"{NAME}-sg-balancer-from-everybody", 443)] if recorder is production else []
            assert wide == expected

    def test_nobody_but_these_reaches_the_warehouse_and_the_brokers(self, small):
        rules = small.of("SecurityGroupIngressRule").values()
        to = Counter((inputs["description"], inputs["fromPort"]) for inputs in rules if "fromPort" in inputs)
        stores = {name for name, _ in to if name.endswith((" to postgres", " to kafka"))}
        readers = ("airflow", "spark", "tasks")
        assert stores == {f"{name} to {store}" for name in readers for store in ("postgres", "kafka")} | {
            "metabase to postgres"
        }
