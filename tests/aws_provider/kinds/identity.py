"""IAM, KMS and Secrets Manager."""

import json

from botocore.exceptions import ClientError

from tests.aws_provider.cloud import Cloud
from tests.aws_provider.kind import Kind, Made, Props, kind, pick, tags

# IAM's own limits, which no service model tells.
_TRUST_LIMIT, _INLINE_LIMIT = 2048, 10_240


def policy(text: str, limit: int) -> str:
    """Return a policy that IAM would take, as far as its form goes."""
    statements = json.loads(text)["Statement"]
    if not statements:
        raise ValueError("MalformedPolicyDocument: no statement")
    sids = [statement["Sid"] for statement in statements if "Sid" in statement]
    if len(set(sids)) != len(sids):
        raise ValueError(f"MalformedPolicyDocument: statement ids must be unique: {', '.join(sids)}")
    if not all(sid.isalnum() for sid in sids):
        raise ValueError(f"MalformedPolicyDocument: statement ids are letters and digits: {', '.join(sids)}")
    if len(text) > limit:
        raise ValueError(f"LimitExceeded: {len(text)} characters, at most {limit}")
    return text


@kind("iam/role:Role")
class Role(Kind):
    autoname = ("name", 64)
    replaces = frozenset({"name", "path"})

    def create(self, cloud: Cloud, want: Props) -> Made:
        made = cloud.call(
            "iam",
            "create_role",
            RoleName=want["name"],
            AssumeRolePolicyDocument=policy(want["assumeRolePolicy"], _TRUST_LIMIT),
            Tags=tags(want),
        )["Role"]
        return made["RoleName"], {"arn": made["Arn"], "uniqueId": made["RoleId"]}

    def exists(self, cloud: Cloud, identity: str, state: Props) -> bool:
        return cloud.there("iam", "get_role", RoleName=identity)

    def delete(self, cloud: Cloud, identity: str, state: Props) -> None:
        cloud.call("iam", "delete_role", RoleName=identity)


@kind("iam/rolePolicy:RolePolicy")
class RolePolicy(Kind):
    autoname = ("name", 128)
    replaces = frozenset({"name", "role"})

    def create(self, cloud: Cloud, want: Props) -> Made:
        cloud.call(
            "iam",
            "put_role_policy",
            RoleName=want["role"],
            PolicyName=want["name"],
            PolicyDocument=policy(want["policy"], _INLINE_LIMIT),
        )
        return f"{want['role']}:{want['name']}", {}

    def update(self, cloud: Cloud, identity: str, old: Props, want: Props) -> Props:
        self.create(cloud, want)
        return {}

    def exists(self, cloud: Cloud, identity: str, state: Props) -> bool:
        return cloud.there("iam", "get_role_policy", RoleName=state["role"], PolicyName=state["name"])

    def delete(self, cloud: Cloud, identity: str, state: Props) -> None:
        cloud.call("iam", "delete_role_policy", RoleName=state["role"], PolicyName=state["name"])


@kind("iam/rolePolicyAttachment:RolePolicyAttachment")
class RolePolicyAttachment(Kind):
    """moto has AWS's own policies only if it is asked to load them, so that the name alone is looked at."""

    replaces = frozenset({"role", "policyArn"})

    def create(self, cloud: Cloud, want: Props) -> Made:
        cloud.pretend("iam", "AttachRolePolicy", RoleName=want["role"], PolicyArn=want["policyArn"])
        key = f"iam/{want['role']}-{want['policyArn']}"
        cloud.store.add(key, want["policyArn"])
        return key, {}

    def exists(self, cloud: Cloud, identity: str, state: Props) -> bool:
        return cloud.store.get(identity) is not None

    def delete(self, cloud: Cloud, identity: str, state: Props) -> None:
        cloud.store.remove(identity)


@kind("kms/key:Key")
class Key(Kind):
    def create(self, cloud: Cloud, want: Props) -> Made:
        made = cloud.call(
            "kms",
            "create_key",
            Description=want["description"],
            Policy=want["policy"],
            Tags=tags(want, "TagKey", "TagValue"),
        )["KeyMetadata"]
        if want.get("enableKeyRotation"):
            cloud.call("kms", "enable_key_rotation", KeyId=made["KeyId"])
        return made["KeyId"], {"arn": made["Arn"], "keyId": made["KeyId"]}

    def update(self, cloud: Cloud, identity: str, old: Props, want: Props) -> Props:
        cloud.call("kms", "put_key_policy", KeyId=identity, PolicyName="default", Policy=want["policy"])
        return {}

    def exists(self, cloud: Cloud, identity: str, state: Props) -> bool:
        found = cloud.call("kms", "describe_key", KeyId=identity)["KeyMetadata"]
        return bool(found["KeyState"] != "PendingDeletion")

    def delete(self, cloud: Cloud, identity: str, state: Props) -> None:
        cloud.call(
            "kms",
            "schedule_key_deletion",
            KeyId=identity,
            PendingWindowInDays=state.get("deletionWindowInDays"),
        )


@kind("kms/alias:Alias")
class Alias(Kind):
    replaces = frozenset({"name"})

    def create(self, cloud: Cloud, want: Props) -> Made:
        cloud.call("kms", "create_alias", AliasName=want["name"], TargetKeyId=want["targetKeyId"])
        return want["name"], {"arn": cloud.arn("kms", want["name"])}

    def exists(self, cloud: Cloud, identity: str, state: Props) -> bool:
        return any(item["AliasName"] == identity for item in cloud.call("kms", "list_aliases")["Aliases"])

    def delete(self, cloud: Cloud, identity: str, state: Props) -> None:
        cloud.call("kms", "delete_alias", AliasName=identity)


@kind("secretsmanager/secret:Secret")
class Secret(Kind):
    autoname = ("name", 512)
    replaces = frozenset({"name"})

    def create(self, cloud: Cloud, want: Props) -> Made:
        made = cloud.call(
            "secretsmanager",
            "create_secret",
            Name=want["name"],
            Description=want.get("description"),
            KmsKeyId=want.get("kmsKeyId"),
            Tags=tags(want),
        )
        return made["ARN"], {"arn": made["ARN"]}

    def update(self, cloud: Cloud, identity: str, old: Props, want: Props) -> Props:
        cloud.call(
            "secretsmanager",
            "update_secret",
            SecretId=identity,
            **pick(want, Description="description", KmsKeyId="kmsKeyId"),
        )
        return {}

    def exists(self, cloud: Cloud, identity: str, state: Props) -> bool:
        try:
            found = cloud.call("secretsmanager", "describe_secret", SecretId=identity)
        except ClientError:
            return False
        return "DeletedDate" not in found

    def delete(self, cloud: Cloud, identity: str, state: Props) -> None:
        days = state.get("recoveryWindowInDays")
        how = {"RecoveryWindowInDays": days} if days else {"ForceDeleteWithoutRecovery": True}
        cloud.call("secretsmanager", "delete_secret", SecretId=identity, **how)


@kind("secretsmanager/secretVersion:SecretVersion")
class SecretVersion(Kind):
    replaces = frozenset({"secretId", "secretString"})

    def create(self, cloud: Cloud, want: Props) -> Made:
        made = cloud.call(
            "secretsmanager",
            "put_secret_value",
            SecretId=want["secretId"],
            SecretString=want["secretString"],
        )
        return f"{made['ARN']}|{made['VersionId']}", {"arn": made["ARN"], "versionId": made["VersionId"]}

    def exists(self, cloud: Cloud, identity: str, state: Props) -> bool:
        return cloud.there("secretsmanager", "get_secret_value", SecretId=state["secretId"])

    def delete(self, cloud: Cloud, identity: str, state: Props) -> None:
        """Leave it to its secret, as the official provider does with the current version."""
