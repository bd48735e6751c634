"""Kafka on MSK: KRaft, IAM over TLS and nothing else, and the topics as resources."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws.cloudwatch as cloudwatch
import pulumi_aws.msk as msk

from environments.aws.options import Options
from infra.config import KafkaConfig
from infra.platform import KafkaEndpoint
from infra.topics import Topic, dlq_limit, topics

CLEANED = "orders_cleaned"


@dataclass(frozen=True)
class KafkaArgs:
    """The brokers' place, size and key."""

    options: Options
    config: KafkaConfig
    subnets: Sequence[pulumi.Input[str]]
    security_group: pulumi.Input[str]
    key_arn: pulumi.Input[str]

    def __post_init__(self) -> None:
        """Refuse what MSK would refuse in the middle of an update."""
        if len(self.subnets) not in (2, 3):
            raise ValueError(f"subnets: {len(self.subnets)}; MSK wants two or three zones")

    @property
    def brokers(self) -> int:
        """How many there are."""
        return len(self.subnets) * self.options.capacity.brokers_per_zone

    @property
    def copies(self) -> int:
        """In how many brokers each message is."""
        return min(3, self.brokers)

    @property
    def least_copies(self) -> int:
        """How many must have a message before it counts; one broker less, so that one may be patched.

        In two zones that leaves one: what it alone has while the other is away is lost with its disk.
        """
        return max(1, self.copies - 1)


class Kafka(pulumi.ComponentResource):
    """`arn`, `bootstrap_servers` (IAM), `cluster_name`, `brokers` (how many), and `topics` to wait for."""

    def __init__(self, name: str, args: KafkaArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ecom:aws:Kafka", name, {}, opts)
        self._name, self._args = name, args
        self._inner = pulumi.ResourceOptions(parent=self)
        self.cluster_name, self.brokers = name, args.brokers
        self.cluster = self._cluster()
        self.arn = self.cluster.arn
        self.bootstrap_servers = self.cluster.bootstrap_brokers_sasl_iam
        wanted = topics(endpoint(args.config, "not-known-yet:9098"), args.config)
        self.topics = [self._topic(topic) for topic in wanted]
        self.register_outputs({"bootstrap_servers": self.bootstrap_servers})

    def _configuration(self) -> msk.Configuration:
        args = self._args
        lines = {
            "auto.create.topics.enable": "false",
            "default.replication.factor": args.copies,
            "min.insync.replicas": args.least_copies,
            "unclean.leader.election.enable": "false",
            "num.partitions": args.config.partitions,
            "message.max.bytes": dlq_limit(args.config),
            "log.retention.hours": args.config.retention_hours,
        }
        return msk.Configuration(
            f"{self._name}-brokers",
            kafka_versions=[args.options.kafka_version],
            server_properties="".join(f"{key}={value}\n" for key, value in sorted(lines.items())),
            opts=self._inner,
        )

    def _cluster(self) -> msk.Cluster:
        args, size = self._args, self._args.options.capacity
        configuration = self._configuration()
        logs = cloudwatch.LogGroup(
            f"{self._name}-log",
            retention_in_days=size.log_days,
            kms_key_id=args.key_arn,
            opts=self._inner,
        )
        return msk.Cluster(
            self._name,
            cluster_name=self._name,
            kafka_version=args.options.kafka_version,
            number_of_broker_nodes=args.brokers,
            broker_node_group_info=msk.ClusterBrokerNodeGroupInfoArgs(
                client_subnets=args.subnets,
                instance_type=size.broker_class,
                security_groups=[args.security_group],
                storage_info=msk.ClusterBrokerNodeGroupInfoStorageInfoArgs(
                    ebs_storage_info=msk.ClusterBrokerNodeGroupInfoStorageInfoEbsStorageInfoArgs(
                        volume_size=args.options.broker_disk_gb
                    )
                ),
                connectivity_info=msk.ClusterBrokerNodeGroupInfoConnectivityInfoArgs(
                    public_access=msk.ClusterBrokerNodeGroupInfoConnectivityInfoPublicAccessArgs(
                        type="DISABLED"
                    )
                ),
            ),
            # Said at creation: a change of how clients sign in can replace the cluster.
            client_authentication=msk.ClusterClientAuthenticationArgs(
                sasl=msk.ClusterClientAuthenticationSaslArgs(iam=True, scram=False), unauthenticated=False
            ),
            encryption_info=msk.ClusterEncryptionInfoArgs(
                encryption_at_rest_kms_key_arn=args.key_arn,
                encryption_in_transit=msk.ClusterEncryptionInfoEncryptionInTransitArgs(
                    client_broker="TLS", in_cluster=True
                ),
            ),
            configuration_info=msk.ClusterConfigurationInfoArgs(
                arn=configuration.arn, revision=configuration.latest_revision
            ),
            enhanced_monitoring=size.broker_metrics,
            logging_info=msk.ClusterLoggingInfoArgs(
                broker_logs=msk.ClusterLoggingInfoBrokerLogsArgs(
                    cloudwatch_logs=msk.ClusterLoggingInfoBrokerLogsCloudwatchLogsArgs(
                        enabled=True, log_group=logs.name
                    )
                )
            ),
            opts=pulumi.ResourceOptions(parent=self, protect=args.options.protect),
        )

    def _topic(self, topic: Topic) -> msk.Topic:
        configs = topic.configs | {"min.insync.replicas": str(self._args.least_copies)}
        return msk.Topic(
            f"{self._name}-{topic.name}",
            name=topic.name,
            cluster_arn=self.cluster.arn,
            partition_count=topic.partitions,
            replication_factor=self._args.copies,
            configs=json.dumps(configs, sort_keys=True),
            opts=pulumi.ResourceOptions(parent=self, protect=self._args.options.protect),
        )


def endpoint(config: KafkaConfig, bootstrap_servers: str) -> KafkaEndpoint:
    """Return the endpoint; `orders_cleaned` only if it is configured."""
    return KafkaEndpoint(
        bootstrap_servers=bootstrap_servers,
        security_protocol="SASL_SSL",
        sasl_mechanism="AWS_MSK_IAM",
        orders_topic=config.orders_topic,
        cleaned_topic=CLEANED if config.cleaned_topic else "",
    )


def within(cluster_arn: str, kind: str, name: str) -> str:
    """Return the ARN of a topic or a group, as IAM wants it: the cluster's, with another kind and a name."""
    return f"{cluster_arn.replace(':cluster/', f':{kind}/', 1)}/{name}"
