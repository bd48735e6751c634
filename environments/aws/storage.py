"""Three buckets: what is deployed, what the stream must not lose, and logs.

Logs have a bucket of their own because load balancers can't write to one that is encrypted with our key.
"""

from dataclasses import dataclass
from typing import Literal

import pulumi
import pulumi_aws.s3 as s3

from environments.aws.place import Place
from environments.aws.policies import Statement, document
from infra.platform import StorageEndpoint

CHECKPOINTS = "checkpoints"
Kind = Literal["artifacts", "data", "logs"]
_DAYS_OLD_VERSIONS = 30


@dataclass(frozen=True)
class StorageArgs:
    """The key, how long logs are kept, and whether a destroy may take data, or even empty the buckets."""

    place: Place
    key_arn: pulumi.Input[str]
    log_days: int
    protect: bool
    empty: bool

    def __post_init__(self) -> None:
        """Refuse what contradicts itself."""
        if self.protect and self.empty:
            raise ValueError("awsEmptyBuckets = true: not while awsProtect = true")


class Storage(pulumi.ComponentResource):
    """`artifacts`, `data` and `logs`; `ready` is what to wait for before anything is put into them."""

    def __init__(self, name: str, args: StorageArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ecom:aws:Storage", name, {}, opts)
        self._name, self._args = name, args
        self.ready: list[pulumi.Resource] = []
        self.logs = self._bucket("logs")
        self.artifacts = self._bucket("artifacts")
        self.data = self._bucket("data")
        self.register_outputs({"artifacts": self.artifacts.id, "data": self.data.id, "logs": self.logs.id})

    def _bucket(self, kind: Kind) -> s3.Bucket:
        name, args = f"{self._name}-{kind}", self._args
        protect = args.protect and kind == "data"
        bucket = s3.Bucket(
            name,
            force_destroy=args.empty,
            opts=pulumi.ResourceOptions(parent=self, protect=protect),
        )
        inner = pulumi.ResourceOptions(parent=bucket)
        private = s3.BucketPublicAccessBlock(
            name,
            bucket=bucket.id,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=inner,
        )
        s3.BucketOwnershipControls(
            name,
            bucket=bucket.id,
            rule=s3.BucketOwnershipControlsRuleArgs(object_ownership="BucketOwnerEnforced"),
            opts=inner,
        )
        versioning = s3.BucketVersioning(
            name,
            bucket=bucket.id,
            versioning_configuration=s3.BucketVersioningVersioningConfigurationArgs(status="Enabled"),
            opts=inner,
        )
        self.ready += [private, versioning, self._encryption(name, kind, bucket)]
        # A load balancer writes a first file into its logs as it is made, and fails if it may not yet.
        self.ready.append(self._policy(name, kind, bucket, private))
        self._lifecycle(name, kind, bucket, versioning)
        if kind != "logs":
            s3.BucketLogging(
                name, bucket=bucket.id, target_bucket=self.logs.id, target_prefix=f"s3/{kind}/", opts=inner
            )
        return bucket

    def _encryption(
        self, name: str, kind: Kind, bucket: s3.Bucket
    ) -> s3.BucketServerSideEncryptionConfiguration:
        ours = kind != "logs"
        return s3.BucketServerSideEncryptionConfiguration(
            name,
            bucket=bucket.id,
            rules=[
                s3.BucketServerSideEncryptionConfigurationRuleArgs(
                    apply_server_side_encryption_by_default=s3.BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgs(
                        sse_algorithm="aws:kms" if ours else "AES256",
                        kms_master_key_id=self._args.key_arn if ours else None,
                    ),
                    # Or each object of a checkpoint would be a request to KMS.
                    bucket_key_enabled=ours,
                )
            ],
            opts=pulumi.ResourceOptions(parent=bucket),
        )

    def _policy(self, name: str, kind: Kind, bucket: s3.Bucket, private: pulumi.Resource) -> s3.BucketPolicy:
        def policy(arn: str) -> str:
            statements = [_tls_only(arn)]
            if kind == "logs":
                statements.append(_deliveries(arn, self._args.place))
            return document(statements)

        return s3.BucketPolicy(
            name,
            bucket=bucket.id,
            policy=bucket.arn.apply(policy),
            # S3 refuses two changes of a bucket's access at the same time.
            opts=pulumi.ResourceOptions(parent=bucket, depends_on=[private]),
        )

    def _lifecycle(self, name: str, kind: Kind, bucket: s3.Bucket, versioning: pulumi.Resource) -> None:
        rules = [
            s3.BucketLifecycleConfigurationRuleArgs(
                id="tidy",
                status="Enabled",
                filter=s3.BucketLifecycleConfigurationRuleFilterArgs(prefix=""),
                abort_incomplete_multipart_upload=s3.BucketLifecycleConfigurationRuleAbortIncompleteMultipartUploadArgs(
                    days_after_initiation=7
                ),
                noncurrent_version_expiration=s3.BucketLifecycleConfigurationRuleNoncurrentVersionExpirationArgs(
                    noncurrent_days=_DAYS_OLD_VERSIONS
                ),
                expiration=s3.BucketLifecycleConfigurationRuleExpirationArgs(days=self._args.log_days)
                if kind == "logs"
                else None,
            )
        ]
        s3.BucketLifecycleConfiguration(
            name,
            bucket=bucket.id,
            rules=rules,
            opts=pulumi.ResourceOptions(parent=bucket, depends_on=[versioning]),
        )


def _tls_only(arn: str) -> Statement:
    return {
        "Sid": "NothingWithoutTls",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [arn, f"{arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def _deliveries(arn: str, place: Place) -> Statement:
    return {
        "Sid": "LogsOfS3AndOfTheLoadBalancer",
        "Effect": "Allow",
        "Principal": {
            "Service": ["logging.s3.amazonaws.com", "logdelivery.elasticloadbalancing.amazonaws.com"]
        },
        "Action": "s3:PutObject",
        "Resource": f"{arn}/*",
        "Condition": {"StringEquals": {"aws:SourceAccount": place.account}},
    }


def endpoint(bucket: str) -> StorageEndpoint:
    """Return the endpoint: a folder of the bucket that Spark writes its checkpoints to."""
    return StorageEndpoint(checkpoints=f"s3://{bucket}/{CHECKPOINTS}")
