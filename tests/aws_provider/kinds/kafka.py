"""MSK."""

import json
from collections.abc import Callable
from typing import Any

from tests.aws_provider.cloud import Cloud
from tests.aws_provider.kind import Kind, Made, Props, kind, pascal

_BROKERS = {"kafka.t3.small", *(f"kafka.m7g.{size}" for size in ("large", "xlarge", "2xlarge", "4xlarge"))}


@kind("msk/configuration:Configuration")
class Configuration(Kind):
    autoname = ("name", 64)
    renews = ("latestRevision",)
    replaces = frozenset({"name", "kafkaVersions"})

    def _params(self, want: Props) -> Props:
        return {
            "Name": want["name"],
            "KafkaVersions": want.get("kafkaVersions"),
            "ServerProperties": want["serverProperties"].encode(),
        }

    def create(self, cloud: Cloud, want: Props) -> Made:
        cloud.pretend("kafka", "CreateConfiguration", **self._params(want))
        arn = cloud.arn("kafka", f"configuration/{want['name']}/uuid-1")
        cloud.store.add(arn, {"revision": 1})
        return arn, {"arn": arn, "latestRevision": 1}

    def update(self, cloud: Cloud, identity: str, old: Props, want: Props) -> Props:
        cloud.pretend(
            "kafka",
            "UpdateConfiguration",
            Arn=identity,
            ServerProperties=want["serverProperties"].encode(),
        )
        revision = cloud.store.get(identity)["revision"] + 1
        cloud.store.put(identity, {"revision": revision})
        return {"latestRevision": revision}

    def exists(self, cloud: Cloud, identity: str, state: Props) -> bool:
        return cloud.store.get(identity) is not None

    def delete(self, cloud: Cloud, identity: str, state: Props) -> None:
        cloud.store.remove(identity)


@kind("msk/cluster:Cluster")
class Cluster(Kind):
    replaces = frozenset({"clusterName", "encryptionInfo"})

    def _params(self, want: Props) -> Props:
        nodes = want["brokerNodeGroupInfo"]
        if nodes["instanceType"] not in _BROKERS:
            raise ValueError(f"BadRequest: unknown instance type {nodes['instanceType']}")
        if want["numberOfBrokerNodes"] % len(nodes["clientSubnets"]):
            raise ValueError("BadRequest: the number of brokers must be a multiple of the number of subnets")
        settings = want["configurationInfo"]
        known = cloud_revision(settings)
        logs = want["loggingInfo"]["brokerLogs"]["cloudwatchLogs"]
        rest = want["encryptionInfo"]
        transit = rest["encryptionInTransit"]
        return {
            "ClusterName": want["clusterName"],
            "KafkaVersion": want["kafkaVersion"],
            "NumberOfBrokerNodes": want["numberOfBrokerNodes"],
            "BrokerNodeGroupInfo": {
                "ClientSubnets": nodes["clientSubnets"],
                "InstanceType": nodes["instanceType"],
                "SecurityGroups": nodes["securityGroups"],
                "StorageInfo": pascal(nodes["storageInfo"]),
                "ConnectivityInfo": pascal(nodes["connectivityInfo"]),
            },
            "ClientAuthentication": {
                "Sasl": {
                    "Iam": {"Enabled": want["clientAuthentication"]["sasl"]["iam"]},
                    "Scram": {"Enabled": want["clientAuthentication"]["sasl"]["scram"]},
                },
                "Unauthenticated": {"Enabled": want["clientAuthentication"]["unauthenticated"]},
            },
            "EncryptionInfo": {
                "EncryptionAtRest": {"DataVolumeKMSKeyId": rest["encryptionAtRestKmsKeyArn"]},
                "EncryptionInTransit": {
                    "ClientBroker": transit["clientBroker"],
                    "InCluster": transit["inCluster"],
                },
            },
            "ConfigurationInfo": known,
            "EnhancedMonitoring": want["enhancedMonitoring"],
            "LoggingInfo": {
                "BrokerLogs": {"CloudWatchLogs": {"Enabled": logs["enabled"], "LogGroup": logs["logGroup"]}}
            },
        }

    def create(self, cloud: Cloud, want: Props) -> Made:
        if cloud.store.get(want["configurationInfo"]["arn"]) is None:
            raise ValueError(f"NotFound: {want['configurationInfo']['arn']}")
        arn = cloud.call("kafka", "create_cluster", Tags=want.get("tags"), **self._params(want))["ClusterArn"]
        return arn, {"arn": arn, **_brokers(want, "sasl_iam"), "currentVersion": "K1"}

    def update(self, cloud: Cloud, identity: str, old: Props, want: Props) -> Props:
        new, before = self._params(want), self._params(old)
        if new["BrokerNodeGroupInfo"]["ClientSubnets"] != before["BrokerNodeGroupInfo"]["ClientSubnets"]:
            raise ValueError("BadRequest: the subnets of a cluster can't be changed")
        for operation, read in _UPDATES.items():
            if read(new) != read(before):
                cloud.pretend("kafka", operation, ClusterArn=identity, CurrentVersion="K1", **read(new))
        if _disk(new) < _disk(before):
            raise ValueError(
                f"BadRequest: a broker's disk can't shrink from {_disk(before)} to {_disk(new)} GB"
            )
        return {}

    def exists(self, cloud: Cloud, identity: str, state: Props) -> bool:
        return _there(cloud, identity)

    def delete(self, cloud: Cloud, identity: str, state: Props) -> None:
        topics = [
            key for key in cloud.store.all() if key.startswith(identity.replace(":cluster/", ":topic/"))
        ]
        if topics:
            raise ValueError(f"topics are left: {topics}")
        cloud.call("kafka", "delete_cluster", ClusterArn=identity)


def _disk(params: Props) -> int:
    return int(params["BrokerNodeGroupInfo"]["StorageInfo"]["EbsStorageInfo"]["VolumeSize"])


# Each part of a cluster has an operation of its own, with what it is given.
_UPDATES: dict[str, Callable[[Props], Props]] = {
    "UpdateBrokerStorage": lambda params: {
        "TargetBrokerEBSVolumeInfo": [{"KafkaBrokerNodeId": "All", "VolumeSizeGB": _disk(params)}]
    },
    "UpdateBrokerType": lambda params: {"TargetInstanceType": params["BrokerNodeGroupInfo"]["InstanceType"]},
    "UpdateBrokerCount": lambda params: {"TargetNumberOfBrokerNodes": params["NumberOfBrokerNodes"]},
    "UpdateClusterConfiguration": lambda params: {"ConfigurationInfo": params["ConfigurationInfo"]},
    "UpdateClusterKafkaVersion": lambda params: {"TargetKafkaVersion": params["KafkaVersion"]},
    "UpdateMonitoring": lambda params: {
        "EnhancedMonitoring": params["EnhancedMonitoring"],
        "LoggingInfo": params["LoggingInfo"],
    },
}


def cloud_revision(settings: Props) -> Props:
    return {"Arn": settings["arn"], "Revision": settings["revision"]}


def _there(cloud: Cloud, arn: str) -> bool:
    # moto answers 500 to the description of one that it does not know.
    return any(item["ClusterArn"] == arn for item in cloud.call("kafka", "list_clusters")["ClusterInfoList"])


def _brokers(want: Props, kind_of: str) -> Props:
    names = [
        f"b-{number}.{want['clusterName']}.kafka.example.com"
        for number in range(1, want["numberOfBrokerNodes"] + 1)
    ]
    return {"bootstrapBrokersSaslIam": ",".join(f"{name}:9098" for name in names)}


@kind("msk/topic:Topic")
class Topic(Kind):
    replaces = frozenset({"clusterArn", "name", "replicationFactor"})

    def _params(self, want: Props) -> Props:
        configs: dict[str, Any] = json.loads(want.get("configs") or "{}")
        if int(configs.get("min.insync.replicas", 1)) > want["replicationFactor"]:
            raise ValueError("InvalidRequest: min.insync.replicas is above the replication factor")
        return {
            "ClusterArn": want["clusterArn"],
            "TopicName": want["name"],
            "PartitionCount": want["partitionCount"],
            "ReplicationFactor": want["replicationFactor"],
            "Configs": want.get("configs"),
        }

    def create(self, cloud: Cloud, want: Props) -> Made:
        if not _there(cloud, want["clusterArn"]):
            raise ValueError(f"NotFound: {want['clusterArn']}")
        cloud.pretend("kafka", "CreateTopic", **self._params(want))
        arn = f"{want['clusterArn'].replace(':cluster/', ':topic/')}/{want['name']}"
        cloud.store.add(arn, {"partitions": want["partitionCount"]})
        return arn, {"arn": arn}

    def update(self, cloud: Cloud, identity: str, old: Props, want: Props) -> Props:
        if want["partitionCount"] < old["partitionCount"]:
            raise ValueError("InvalidRequest: partitions can't be taken away")
        cloud.pretend(
            "kafka",
            "UpdateTopic",
            ClusterArn=want["clusterArn"],
            TopicName=want["name"],
            PartitionCount=want["partitionCount"],
            Configs=want.get("configs"),
        )
        return {}

    def exists(self, cloud: Cloud, identity: str, state: Props) -> bool:
        return cloud.store.get(identity) is not None

    def delete(self, cloud: Cloud, identity: str, state: Props) -> None:
        cloud.store.remove(identity)
