"""What the tests' own provider refuses of an update, because AWS would: without an engine."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from moto.server import ThreadedMotoServer

from tests.aws_provider import kinds, wire
from tests.aws_provider.cloud import STORE_VARIABLE, Cloud
from tests.aws_provider.kind import KINDS, Props
from tests.unit.aws_mocks import REGION, config, made

assert kinds, "they are registered by their import"

APPLICATION, CLUSTER, INSTANCE = (
    "emrserverless/application:Application",
    "msk/cluster:Cluster",
    "rds/instance:Instance",
)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory) -> dict[str, Props]:
    """What our program asks for, by kind."""
    recorder = made(config(tmp_path_factory.mktemp("artifacts")))
    found = {kind: next(iter(recorder.of(kind).values())) for kind in (APPLICATION, CLUSTER, INSTANCE)}
    # The mocks' ids are longer than AWS's.
    found[APPLICATION]["networkConfiguration"] = {"subnetIds": ["subnet-1"], "securityGroupIds": ["sg-1"]}
    return {kind: dict(wire.plain(one)) for kind, one in found.items()}


@pytest.fixture
def cloud(monkeypatch, tmp_path) -> Iterator[Cloud]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    monkeypatch.setenv(STORE_VARIABLE, str(tmp_path / "store.json"))
    yield Cloud(REGION)
    server.stop()


def changed(old: Props, path: str, value: Any) -> Props:
    new = place = copy.deepcopy(old)
    *before, last = path.split(".")
    for word in before:
        place = place[word]
    place[last] = value
    return new


def test_an_application_that_is_started_can_be_neither_changed_nor_deleted(cloud, inputs):
    kind, old = KINDS[f"aws:{APPLICATION}"], inputs[APPLICATION]
    identity, _ = kind.create(cloud, old)
    larger = changed(old, "maximumCapacity.cpu", "32 vCPU")
    kind.update(cloud, identity, old, larger)
    cloud.store.put(f"emr-serverless/{identity}", {"name": "x", "state": "STARTED"})
    with pytest.raises(ValueError, match="must be CREATED or STOPPED, it is STARTED"):
        kind.update(cloud, identity, larger, old)
    with pytest.raises(ValueError, match="must be CREATED or STOPPED, it is STARTED"):
        kind.delete(cloud, identity, larger)
    cloud.store.put(f"emr-serverless/{identity}", {"name": "x", "state": "STOPPED"})
    kind.update(cloud, identity, larger, old)
    kind.delete(cloud, identity, old)
    assert not kind.exists(cloud, identity, old)


DISK = "brokerNodeGroupInfo.storageInfo.ebsStorageInfo.volumeSize"


@pytest.mark.parametrize(
    ("path", "value", "asked"),
    [
        (DISK, 100, "UpdateBrokerStorage"),
        ("brokerNodeGroupInfo.instanceType", "kafka.m7g.large", "UpdateBrokerType"),
        ("configurationInfo.revision", 2, "UpdateClusterConfiguration"),
        ("enhancedMonitoring", "PER_BROKER", "UpdateMonitoring"),
        ("kafkaVersion", "4.0.x.kraft", "UpdateClusterKafkaVersion"),
    ],
)
def test_each_change_of_a_cluster_is_an_operation_of_msks(path, value, asked, cloud, inputs, monkeypatch):
    operations: list[str] = []
    check = cloud.pretend

    def pretend(service: str, operation: str, /, **params: Any) -> None:
        operations.append(operation)
        check(service, operation, **params)

    monkeypatch.setattr(cloud, "pretend", pretend)
    old = inputs[CLUSTER]
    KINDS[f"aws:{CLUSTER}"].update(cloud, "arn:of:cluster", old, changed(old, path, value))
    assert operations == [asked]


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (DISK, 10, "a broker's disk can't shrink from 20 to 10 GB"),
        ("brokerNodeGroupInfo.instanceType", "kafka.t9.small", "unknown instance type"),
        ("brokerNodeGroupInfo.clientSubnets", ["a", "b"], "the subnets of a cluster can't be changed"),
        ("enhancedMonitoring", "EVERYTHING", "enhancedMonitoring|EnhancedMonitoring"),
    ],
)
def test_what_msk_refuses_is_refused(path, value, said, cloud, inputs):
    old = inputs[CLUSTER]
    with pytest.raises(ValueError, match=said):
        KINDS[f"aws:{CLUSTER}"].update(cloud, "arn:of:cluster", old, changed(old, path, value))


def test_the_warehouses_disk_does_not_shrink_and_has_room_to_grow(cloud, inputs):
    kind, old = KINDS[f"aws:{INSTANCE}"], inputs[INSTANCE] | {"allocatedStorage": 100}
    with pytest.raises(ValueError, match="storage can't shrink from 100 to 20 GB"):
        kind.update(cloud, "x", old, inputs[INSTANCE])
    with pytest.raises(ValueError, match="max storage 50 is not a tenth above 100 GB"):
        kind.update(cloud, "x", old, old | {"maxAllocatedStorage": 50})


def test_a_major_version_of_postgres_has_to_be_allowed_and_at_once(cloud, inputs):
    # What moto would look for, and is not there.
    names = ("dbSubnetGroupName", "parameterGroupName", "vpcSecurityGroupIds", "kmsKeyId")
    elsewhere = dict.fromkeys((*names, "masterUserSecretKmsKeyId"))
    wanted = inputs[INSTANCE] | elsewhere | {"engineVersion": "17"}
    kind = KINDS[f"aws:{INSTANCE}"]
    identity, _ = kind.create(cloud, wanted)
    later = {**wanted, "engineVersion": "18"}
    with pytest.raises(ValueError, match="AllowMajorVersionUpgrade flag must be present"):
        kind.update(cloud, identity, wanted, later)
    with pytest.raises(ValueError, match="the old parameter group is in use"):
        kind.update(cloud, identity, wanted, later | {"allowMajorVersionUpgrade": True})
    kind.update(cloud, identity, wanted, later | {"allowMajorVersionUpgrade": True, "applyImmediately": True})
    found = cloud.call("rds", "describe_db_instances", DBInstanceIdentifier=identity)["DBInstances"][0]
    assert found["EngineVersion"] == "18"


def test_what_somebody_changed_by_hand_is_found(cloud, inputs):
    database, block = (
        KINDS[f"aws:{INSTANCE}"],
        KINDS["aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"],
    )
    rds, s3 = cloud.client("rds"), cloud.client("s3")
    rds.create_db_instance(DBInstanceIdentifier="w", Engine="postgres", DBInstanceClass="db.t4g.small")
    rds.modify_db_instance(DBInstanceIdentifier="w", PubliclyAccessible=True)
    assert database.found(cloud, "w", {}) == {"publiclyAccessible": True}
    s3.create_bucket(Bucket="bucket", CreateBucketConfiguration={"LocationConstraint": REGION})
    closed = dict.fromkeys(
        ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"), True
    )
    block.create(cloud, {"bucket": "bucket", **closed})
    assert block.found(cloud, "bucket", {}) == closed
    block.create(cloud, {"bucket": "bucket", **closed, "blockPublicPolicy": False})
    assert block.found(cloud, "bucket", {}) == {**closed, "blockPublicPolicy": False}


def test_addresses_that_somebody_let_in_are_found(cloud):
    ec2, rule = cloud.client("ec2"), KINDS["aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"]
    group = ec2.create_security_group(GroupName="g", Description="g")["GroupId"]
    want = {"securityGroupId": group, "ipProtocol": "tcp", "fromPort": 443, "toPort": 443}
    identity, _ = rule.create(cloud, want | {"cidrIpv4": "10.0.0.0/16"})
    assert rule.found(cloud, identity, want) == {"cidrIpv4": "10.0.0.0/16"}
    opened = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "CidrIpv4": "0.0.0.0/0"}
    change = [{"SecurityGroupRuleId": identity, "SecurityGroupRule": opened}]
    ec2.modify_security_group_rules(GroupId=group, SecurityGroupRules=change)
    assert rule.found(cloud, identity, want) == {"cidrIpv4": "0.0.0.0/0"}
