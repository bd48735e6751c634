"""What roles are allowed, by purpose; each function returns statements for the ARNs that it is given."""

from collections.abc import Sequence

from environments.aws.kafka import endpoint, within
from environments.aws.policies import NO_NARROWER, Statement, allow
from infra.config import KafkaConfig


def read_bucket(arn: str, keys: Sequence[str]) -> list[Statement]:
    """Read these keys of a bucket, and list it."""
    return [
        allow(["s3:GetObject", "s3:GetObjectVersion"], [f"{arn}/{key}" for key in keys]),
        allow(["s3:ListBucket", "s3:GetBucketLocation"], [arn]),
    ]


def write_bucket(arn: str, key: str) -> list[Statement]:
    """Read, write and delete below a key; a checkpoint is written by renaming."""
    return [
        allow(
            ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"], [f"{arn}/{key}"]
        ),
        allow(["s3:ListBucket", "s3:GetBucketLocation"], [arn]),
    ]


def read_secrets(arns: Sequence[str]) -> list[Statement]:
    """Read the values of these secrets."""
    return [allow(["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"], arns)]


def use_key(arn: str) -> list[Statement]:
    """Encrypt and decrypt with the stack's key."""
    return [allow(["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey", "kms:DescribeKey"], [arn])]


def write_logs(group_arn: str) -> list[Statement]:
    """Write to one log group, as EMR Serverless does for a job."""
    return [
        allow(
            ["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"],
            [group_arn, f"{group_arn}:*"],
        ),
        allow(["logs:DescribeLogGroups"], ["*"], sid=NO_NARROWER),
        # It names the key to the group at each start, though the group has it; without, the job fails.
        allow(["logs:AssociateKmsKey"], [f"{group_arn}:*"]),
    ]


def write_metrics(namespaces: Sequence[str]) -> list[Statement]:
    """Put metrics into these namespaces; they have no ARN."""
    condition = {"cloudwatch:namespace": list(namespaces)}
    return [allow(["cloudwatch:PutMetricData"], ["*"], sid=f"{NO_NARROWER}Metrics", StringEquals=condition)]


def connect(cluster_arn: str) -> list[Statement]:
    """Connect to the brokers, which alone shows nothing of what they hold."""
    return [allow(["kafka-cluster:Connect", "kafka-cluster:DescribeCluster"], [cluster_arn])]


def read_topics(cluster_arn: str, config: KafkaConfig) -> list[Statement]:
    """Connect, and read every topic of the platform."""
    names = _topics(config)
    return [
        *connect(cluster_arn),
        allow(
            [
                "kafka-cluster:DescribeTopic",
                "kafka-cluster:DescribeTopicDynamicConfiguration",
                "kafka-cluster:ReadData",
            ],
            [within(cluster_arn, "topic", name) for name in names],
        ),
        # Structured Streaming makes up a group for each query, and commits nothing to it.
        allow(
            ["kafka-cluster:AlterGroup", "kafka-cluster:DescribeGroup"],
            [within(cluster_arn, "group", "spark-kafka-*"), within(cluster_arn, "group", "ecom-*")],
        ),
    ]


def use_topics(cluster_arn: str, config: KafkaConfig) -> list[Statement]:
    """Read every topic, and write to what the stream writes: dead letters and cleaned orders."""
    source = endpoint(config, "any:9098").orders_topic
    targets = [name for name in _topics(config) if name != source]
    return [*read_topics(cluster_arn, config), *write_topics(cluster_arn, targets)]


def write_topics(cluster_arn: str, names: Sequence[str]) -> list[Statement]:
    """Write to these topics, idempotently."""
    return [
        allow(["kafka-cluster:WriteDataIdempotently"], [cluster_arn]),
        allow(
            ["kafka-cluster:WriteData", "kafka-cluster:DescribeTopic"],
            [within(cluster_arn, "topic", name) for name in names],
        ),
    ]


def _topics(config: KafkaConfig) -> list[str]:
    known = endpoint(config, "any:9098")
    return [name for name in (known.orders_topic, known.dlq_topic, known.cleaned_topic) if name]
