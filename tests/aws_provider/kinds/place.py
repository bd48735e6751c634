"""What is asked about the place: account, region, zones, subnets."""

from tests.aws_provider.cloud import ACCOUNT, Cloud
from tests.aws_provider.kind import Props, first, invoke


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
