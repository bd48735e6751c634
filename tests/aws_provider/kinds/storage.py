"""S3: buckets, what is set on them, and objects."""

import base64
import json
from typing import Any

from tests.aws_provider.cloud import Cloud
from tests.aws_provider.kind import Kind, Made, Props, kind, pascal, tags


@kind("s3/bucket:Bucket")
class Bucket(Kind):
    autoname = ("bucket", 63)
    replaces = frozenset({"bucket"})

    def create(self, cloud: Cloud, want: Props) -> Made:
        name = want["bucket"]
        if cloud.there("s3", "head_bucket", Bucket=name):
            raise ValueError(f"BucketAlreadyExists: {name}")
        where = {"LocationConstraint": cloud.region}
        cloud.call("s3", "create_bucket", Bucket=name, CreateBucketConfiguration=where)
        cloud.call("s3", "put_bucket_tagging", Bucket=name, Tagging={"TagSet": tags(want) or []})
        return name, {"arn": f"arn:aws:s3:::{name}", "bucketDomainName": f"{name}.s3.amazonaws.com"}

    def update(self, cloud: Cloud, identity: str, old: Props, want: Props) -> Props:
        cloud.call("s3", "put_bucket_tagging", Bucket=identity, Tagging={"TagSet": tags(want) or []})
        return {}

    def exists(self, cloud: Cloud, identity: str, state: Props) -> bool:
        return cloud.there("s3", "head_bucket", Bucket=identity)

    def delete(self, cloud: Cloud, identity: str, state: Props) -> None:
        if state.get("forceDestroy"):
            _empty(cloud, identity)
        cloud.call("s3", "delete_bucket", Bucket=identity)


def _empty(cloud: Cloud, bucket: str) -> None:
    found = cloud.call("s3", "list_object_versions", Bucket=bucket)
    for item in [*found.get("Versions", []), *found.get("DeleteMarkers", [])]:
        cloud.call("s3", "delete_object", Bucket=bucket, Key=item["Key"], VersionId=item["VersionId"])


class OnBucket(Kind):
    """A setting of a bucket: put anew at each change."""

    replaces = frozenset({"bucket"})
    setting = ""
    ends = True

    def body(self, want: Props) -> dict[str, Any]:
        raise NotImplementedError

    def create(self, cloud: Cloud, want: Props) -> Made:
        cloud.call("s3", f"put_{self.setting}", Bucket=want["bucket"], **self.body(want))
        return want["bucket"], {}

    def update(self, cloud: Cloud, identity: str, old: Props, want: Props) -> Props:
        self.create(cloud, want)
        return {}

    def exists(self, cloud: Cloud, identity: str, state: Props) -> bool:
        return cloud.there("s3", f"get_{self.setting}", Bucket=identity)

    def delete(self, cloud: Cloud, identity: str, state: Props) -> None:
        if self.ends:
            cloud.call("s3", f"delete_{self.setting.replace('_configuration', '')}", Bucket=identity)


@kind("s3/bucketVersioning:BucketVersioning")
class Versioning(OnBucket):
    setting, ends = "bucket_versioning", False

    def body(self, want: Props) -> dict[str, Any]:
        return {"VersioningConfiguration": {"Status": want["versioningConfiguration"]["status"]}}


@kind("s3/bucketPublicAccessBlock:BucketPublicAccessBlock")
class PublicAccessBlock(OnBucket):
    setting = "public_access_block"

    def body(self, want: Props) -> dict[str, Any]:
        given = {key: value for key, value in want.items() if isinstance(value, bool)}
        return {"PublicAccessBlockConfiguration": pascal(given)}

    def found(self, cloud: Cloud, identity: str, state: Props) -> Props:
        there = cloud.call("s3", "get_public_access_block", Bucket=identity)
        return {
            key[0].lower() + key[1:]: value for key, value in there["PublicAccessBlockConfiguration"].items()
        }


@kind("s3/bucketOwnershipControls:BucketOwnershipControls")
class OwnershipControls(OnBucket):
    setting = "bucket_ownership_controls"

    def body(self, want: Props) -> dict[str, Any]:
        return {"OwnershipControls": {"Rules": [pascal(want["rule"])]}}


@kind("s3/bucketPolicy:BucketPolicy")
class BucketPolicy(OnBucket):
    setting = "bucket_policy"

    def body(self, want: Props) -> dict[str, Any]:
        document = json.loads(want["policy"])
        bucket = f"arn:aws:s3:::{want['bucket']}"
        for statement in document["Statement"]:
            given = statement["Resource"]
            for resource in [given] if isinstance(given, str) else given:
                if resource.partition("/")[0] != bucket:
                    raise ValueError(f"MalformedPolicy: {resource} is not in {bucket}")
        # moto looks at no condition, so a denial of calls without TLS would deny every call.
        kept = [item for item in document["Statement"] if item["Effect"] == "Allow"]
        return {"Policy": json.dumps({**document, "Statement": kept})}

    def create(self, cloud: Cloud, want: Props) -> Made:
        cloud.pretend("s3", "PutBucketPolicy", Bucket=want["bucket"], Policy=want["policy"])
        return super().create(cloud, want)


@kind("s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration")
class Encryption(OnBucket):
    setting = "bucket_encryption"

    def body(self, want: Props) -> dict[str, Any]:
        rules = []
        for rule in want["rules"]:
            default = rule["applyServerSideEncryptionByDefault"]
            body = {"SSEAlgorithm": default["sseAlgorithm"], "KMSMasterKeyID": default.get("kmsMasterKeyId")}
            rules.append(
                {
                    "ApplyServerSideEncryptionByDefault": {k: v for k, v in body.items() if v},
                    "BucketKeyEnabled": rule.get("bucketKeyEnabled", False),
                }
            )
        return {"ServerSideEncryptionConfiguration": {"Rules": rules}}


@kind("s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration")
class Lifecycle(OnBucket):
    setting = "bucket_lifecycle_configuration"

    def body(self, want: Props) -> dict[str, Any]:
        rules = [{**pascal(rule), "ID": rule["id"]} for rule in want["rules"]]
        for rule in rules:
            rule.pop("Id")
        return {"LifecycleConfiguration": {"Rules": rules}}


@kind("s3/bucketLogging:BucketLogging")
class Logging(OnBucket):
    setting, ends = "bucket_logging", False

    def create(self, cloud: Cloud, want: Props) -> Made:
        # moto asks for the old right by ACL, which a bucket without ACLs can't have.
        body = {"TargetBucket": want["targetBucket"], "TargetPrefix": want["targetPrefix"]}
        cloud.pretend(
            "s3", "PutBucketLogging", Bucket=want["bucket"], BucketLoggingStatus={"LoggingEnabled": body}
        )
        if not cloud.there("s3", "head_bucket", Bucket=want["targetBucket"]):
            raise ValueError(f"InvalidTargetBucketForLogging: {want['targetBucket']}")
        return want["bucket"], {}

    def exists(self, cloud: Cloud, identity: str, state: Props) -> bool:
        return cloud.there("s3", "head_bucket", Bucket=identity)


@kind("s3/bucketObjectv2:BucketObjectv2")
class Object(Kind):
    renews = ("versionId", "etag")
    replaces = frozenset({"bucket", "key"})

    def create(self, cloud: Cloud, want: Props) -> Made:
        made = cloud.call(
            "s3",
            "put_object",
            Bucket=want["bucket"],
            Key=want["key"],
            Body=_body(want),
            ServerSideEncryption=want.get("serverSideEncryption"),
            SSEKMSKeyId=want.get("kmsKeyId"),
        )
        version = made.get("VersionId", "null")
        return f"{want['bucket']}/{want['key']}", {
            "versionId": version,
            "etag": made["ETag"],
            "arn": f"arn:aws:s3:::{want['bucket']}/{want['key']}",
        }

    def update(self, cloud: Cloud, identity: str, old: Props, want: Props) -> Props:
        return self.create(cloud, want)[1]

    def exists(self, cloud: Cloud, identity: str, state: Props) -> bool:
        return cloud.there("s3", "head_object", Bucket=state["bucket"], Key=state["key"])

    def delete(self, cloud: Cloud, identity: str, state: Props) -> None:
        found = cloud.call("s3", "list_object_versions", Bucket=state["bucket"], Prefix=state["key"])
        for item in [*found.get("Versions", []), *found.get("DeleteMarkers", [])]:
            if item["Key"] == state["key"]:
                cloud.call(
                    "s3",
                    "delete_object",
                    Bucket=state["bucket"],
                    Key=item["Key"],
                    VersionId=item["VersionId"],
                )


def _body(want: Props) -> bytes:
    given = [key for key in ("source", "content", "contentBase64") if want.get(key) is not None]
    if len(given) != 1:
        raise ValueError(f"{want['key']}: exactly one of source, content, contentBase64, not {given}")
    if "contentBase64" in given:
        return base64.b64decode(want["contentBase64"])
    body = want[given[0]]
    return body if isinstance(body, bytes) else str(body).encode()
