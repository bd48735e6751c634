"""Rules about what belongs together on AWS: a bucket and its settings, tags, what production needs."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from policy.aws_access import statements
from policy.aws_cost import size_of
from policy.aws_data import DATABASE, TOPIC
from policy.resource import Resource
from policy.rule import StackRule, at, of

_S3 = "aws:s3/{0}:{1}"
BUCKET = "aws:s3/bucket:Bucket"
_TAGS = ("Project", "Stack", "Owner", "Size")
# AWS puts no tags on these; everything else of ours has them.
UNTAGGED = frozenset(
    {
        "aws:cloudwatch/dashboard:Dashboard",
        "aws:ec2/route:Route",
        "aws:ec2/routeTableAssociation:RouteTableAssociation",
        "aws:ecr/lifecyclePolicy:LifecyclePolicy",
        "aws:iam/rolePolicy:RolePolicy",
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
        "aws:kms/alias:Alias",
        "aws:msk/configuration:Configuration",
        "aws:msk/topic:Topic",
        "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
        "aws:s3/bucketLogging:BucketLogging",
        "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
        "aws:s3/bucketPolicy:BucketPolicy",
        "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
        "aws:s3/bucketVersioning:BucketVersioning",
        "aws:secretsmanager/secretVersion:SecretVersion",
        "aws:sns/topicPolicy:TopicPolicy",
        "aws:sns/topicSubscription:TopicSubscription",
    }
)
_CLOSED = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
Found = Iterator[tuple[str, str]]


def _tags(resources: Sequence[Resource]) -> Found:
    for one in resources:
        if one.type.startswith("aws:") and one.type not in UNTAGGED:
            given = one.inputs.get("tags") or {}
            missing = [tag for tag in _TAGS if not given.get(tag)]
            if missing:
                yield one.name, f"lacks the tags {', '.join(missing)}"


def _setting(resources: Sequence[Resource], bucket: Resource, kind: str) -> Any:
    """Return a bucket's setting of a kind, by the name that both have: its id is not known in a preview."""
    found = of(resources, _S3.format(kind[0].lower() + kind[1:], kind))
    return next((one.inputs for one in found if one.name == bucket.name), {})


def _private(resources: Sequence[Resource]) -> Found:
    for bucket in of(resources, BUCKET):
        block = _setting(resources, bucket, "BucketPublicAccessBlock")
        if not all(block.get(key) is True for key in _CLOSED):
            yield bucket.name, "the public is not shut out"


def _encrypted(resources: Sequence[Resource]) -> Found:
    for bucket in of(resources, BUCKET):
        rules = _setting(resources, bucket, "BucketServerSideEncryptionConfiguration")
        if not at(rules, "rules.0.applyServerSideEncryptionByDefault.sseAlgorithm"):
            yield bucket.name, "it has no encryption of its own"


def _versioned(resources: Sequence[Resource]) -> Found:
    for bucket in of(resources, BUCKET):
        versioning = _setting(resources, bucket, "BucketVersioning")
        if at(versioning, "versioningConfiguration.status") != "Enabled":
            yield bucket.name, "what is overwritten is lost"


def _ends(resources: Sequence[Resource]) -> Found:
    for bucket in of(resources, BUCKET):
        rules = _setting(resources, bucket, "BucketLifecycleConfiguration").get("rules") or ()
        if not any(
            at(rule, "noncurrentVersionExpiration") and at(rule, "abortIncompleteMultipartUpload")
            for rule in rules
        ):
            yield bucket.name, "old versions and torn uploads stay for ever"


def _by_tls(resources: Sequence[Resource]) -> Found:
    refuses = {"Bool": {"aws:SecureTransport": "false"}}
    for bucket in of(resources, BUCKET):
        text = _setting(resources, bucket, "BucketPolicy").get("policy")
        denied = statements(text, "Deny") if text else []
        if not any(one.get("Condition") == refuses for one in denied):
            yield bucket.name, "it can be read without TLS"


def _logged(resources: Sequence[Resource]) -> Found:
    logs = {
        one.inputs.get("targetBucket") for one in of(resources, _S3.format("bucketLogging", "BucketLogging"))
    }
    for bucket in of(resources, BUCKET):
        # The one that holds the logs can't log into itself; its own id is what the others name.
        if not _setting(resources, bucket, "BucketLogging") and not (logs and bucket.name.endswith("-logs")):
            yield bucket.name, "who read it is not known"


def _production(resources: Sequence[Resource]) -> Found:
    if size_of(resources) != "production":
        return
    for one in of(resources, DATABASE):
        if not one.inputs.get("multiAz"):
            yield one.name, "production has no standby"
    for one in of(resources, "aws:cloudwatch/logGroup:LogGroup"):
        if (one.inputs.get("retentionInDays") or 0) < 365:
            yield one.name, "production keeps logs for less than a year"
    for one in of(resources, TOPIC):
        configs = json.loads(one.inputs.get("configs") or "{}")
        if int(configs.get("min.insync.replicas", 1)) < 2:
            yield one.name, "what one broker alone has counts as kept"


_S3_WHY = "events and checkpoints hold customers"
STACK_RULES = (
    StackRule("tagged", "who pays and who answers is asked of each resource", _tags, ()),
    StackRule(
        "bucket-private",
        _S3_WHY,
        _private,
        ("CKV_AWS_53", "CKV_AWS_54", "CKV_AWS_55", "CKV_AWS_56", "s3_bucket_level_public_access_block"),
    ),
    StackRule(
        "bucket-encrypted", _S3_WHY, _encrypted, ("CKV_AWS_19", "CKV_AWS_145", "s3_bucket_default_encryption")
    ),
    StackRule(
        "bucket-versioned",
        "a mistake must be undone",
        _versioned,
        ("CKV_AWS_21", "s3_bucket_object_versioning"),
    ),
    StackRule(
        "bucket-ends",
        "what nobody needs costs every month",
        _ends,
        ("CKV_AWS_300", "s3_bucket_lifecycle_enabled"),
    ),
    StackRule("bucket-by-tls", _S3_WHY, _by_tls, ("s3_bucket_secure_transport_policy",)),
    StackRule(
        "bucket-logs",
        "who read what is asked afterwards",
        _logged,
        ("CKV_AWS_18", "s3_bucket_server_access_logging_enabled"),
    ),
    StackRule(
        "production-safe",
        "what production lost, nobody sends again, and an auditor asks",
        _production,
        ("CKV_AWS_157", "CKV_AWS_338", "rds_instance_multi_az"),
    ),
)
