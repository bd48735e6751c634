"""RDS."""

from tests.aws_provider.cloud import Cloud
from tests.aws_provider.kind import Kind, Made, Props, first, kind, pick, tags

_INSTANCE = {
    "DBInstanceIdentifier": "identifier",
    "Engine": "engine",
    "EngineVersion": "engineVersion",
    "DBInstanceClass": "instanceClass",
    "StorageType": "storageType",
    "AllocatedStorage": "allocatedStorage",
    "MaxAllocatedStorage": "maxAllocatedStorage",
    "StorageEncrypted": "storageEncrypted",
    "KmsKeyId": "kmsKeyId",
    "DBName": "dbName",
    "Port": "port",
    "MasterUsername": "username",
    "ManageMasterUserPassword": "manageMasterUserPassword",
    "MasterUserSecretKmsKeyId": "masterUserSecretKmsKeyId",
    "CACertificateIdentifier": "caCertIdentifier",
    "DBSubnetGroupName": "dbSubnetGroupName",
    "VpcSecurityGroupIds": "vpcSecurityGroupIds",
    "PubliclyAccessible": "publiclyAccessible",
    "MultiAZ": "multiAz",
    "DBParameterGroupName": "parameterGroupName",
    "BackupRetentionPeriod": "backupRetentionPeriod",
    "PreferredBackupWindow": "backupWindow",
    "PreferredMaintenanceWindow": "maintenanceWindow",
    "AutoMinorVersionUpgrade": "autoMinorVersionUpgrade",
    "CopyTagsToSnapshot": "copyTagsToSnapshot",
    "EnablePerformanceInsights": "performanceInsightsEnabled",
    "PerformanceInsightsKMSKeyId": "performanceInsightsKmsKeyId",
    "PerformanceInsightsRetentionPeriod": "performanceInsightsRetentionPeriod",
    "MonitoringInterval": "monitoringInterval",
    "MonitoringRoleArn": "monitoringRoleArn",
    "EnableCloudwatchLogsExports": "enabledCloudwatchLogsExports",
    "DeletionProtection": "deletionProtection",
}


# What CreateDBInstance takes and ModifyDBInstance does not, or under another name.
_ONLY_CREATED = {
    "Engine",
    "StorageEncrypted",
    "KmsKeyId",
    "DBName",
    "MasterUsername",
    "DBSubnetGroupName",
    "Port",
    "EnableCloudwatchLogsExports",
    "ManageMasterUserPassword",
    "MasterUserSecretKmsKeyId",
}


# AWS's classes are in no service model. A wrong one costs half an hour there.
_CLASSES = {f"db.{family}" for family in ("t4g", "m7g", "r7g", "m6g", "r6g")}


_SIZES = {"micro", "small", "medium", "large", "xlarge", "2xlarge", "4xlarge", "8xlarge"}


@kind("rds/subnetGroup:SubnetGroup")
class SubnetGroup(Kind):
    autoname = ("name", 255)
    replaces = frozenset({"name"})

    def create(self, cloud: Cloud, want: Props) -> Made:
        found = cloud.call("ec2", "describe_subnets", SubnetIds=want["subnetIds"])["Subnets"]
        if len({subnet["AvailabilityZone"] for subnet in found}) < 2:
            raise ValueError("DBSubnetGroupDoesNotCoverEnoughAZs: at least two zones")
        made = cloud.call(
            "rds",
            "create_db_subnet_group",
            DBSubnetGroupName=want["name"],
            DBSubnetGroupDescription=want["description"],
            SubnetIds=want["subnetIds"],
            Tags=tags(want),
        )["DBSubnetGroup"]
        return want["name"], {"arn": made["DBSubnetGroupArn"], "vpcId": made["VpcId"]}

    def update(self, cloud: Cloud, identity: str, old: Props, want: Props) -> Props:
        if any(old.get(key) != want.get(key) for key in ("subnetIds", "description")):
            change = {"DBSubnetGroupName": identity, "SubnetIds": want["subnetIds"]}
            cloud.call("rds", "modify_db_subnet_group", **change)
            # moto forgets a group that is modified.
            self.create(cloud, want)
        return {}

    def exists(self, cloud: Cloud, identity: str, state: Props) -> bool:
        return cloud.there("rds", "describe_db_subnet_groups", DBSubnetGroupName=identity)

    def delete(self, cloud: Cloud, identity: str, state: Props) -> None:
        cloud.call("rds", "delete_db_subnet_group", DBSubnetGroupName=identity)


@kind("rds/parameterGroup:ParameterGroup")
class ParameterGroup(Kind):
    autoname = ("name", 255)
    replaces = frozenset({"name", "family", "description"})

    def create(self, cloud: Cloud, want: Props) -> Made:
        made = cloud.call(
            "rds",
            "create_db_parameter_group",
            DBParameterGroupName=want["name"],
            DBParameterGroupFamily=want["family"],
            Description=want["description"],
            Tags=tags(want),
        )["DBParameterGroup"]
        self._set(cloud, want)
        return want["name"], {"arn": made["DBParameterGroupArn"]}

    def _set(self, cloud: Cloud, want: Props) -> None:
        given = [
            {
                "ParameterName": item["name"],
                "ParameterValue": item["value"],
                "ApplyMethod": item.get("applyMethod", "immediate"),
            }
            for item in want.get("parameters") or []
        ]
        cloud.call("rds", "modify_db_parameter_group", DBParameterGroupName=want["name"], Parameters=given)

    def update(self, cloud: Cloud, identity: str, old: Props, want: Props) -> Props:
        self._set(cloud, want)
        return {}

    def exists(self, cloud: Cloud, identity: str, state: Props) -> bool:
        return cloud.there("rds", "describe_db_parameter_groups", DBParameterGroupName=identity)

    def delete(self, cloud: Cloud, identity: str, state: Props) -> None:
        cloud.call("rds", "delete_db_parameter_group", DBParameterGroupName=identity)


@kind("rds/instance:Instance")
class Instance(Kind):
    replaces = frozenset(
        {"engine", "storageEncrypted", "kmsKeyId", "dbName", "username", "dbSubnetGroupName", "identifier"}
    )

    def create(self, cloud: Cloud, want: Props) -> Made:
        _class(want["instanceClass"])
        _storage(0, want)
        made = cloud.call("rds", "create_db_instance", Tags=tags(want), **pick(want, **_INSTANCE))
        instance = made["DBInstance"]
        return instance["DBInstanceIdentifier"], self._outputs(cloud, instance["DBInstanceIdentifier"])

    def _outputs(self, cloud: Cloud, identity: str) -> Props:
        found = cloud.call("rds", "describe_db_instances", DBInstanceIdentifier=identity)["DBInstances"]
        instance = first(found)
        secret = instance.get("MasterUserSecret") or {}
        return {
            "arn": instance["DBInstanceArn"],
            "address": instance["Endpoint"]["Address"],
            "endpoint": f"{instance['Endpoint']['Address']}:{instance['Endpoint']['Port']}",
            "resourceId": instance["DbiResourceId"],
            "masterUserSecrets": [
                {
                    "secretArn": secret.get("SecretArn"),
                    "secretStatus": secret.get("SecretStatus", "active"),
                    "kmsKeyId": secret.get("KmsKeyId"),
                }
            ],
        }

    def update(self, cloud: Cloud, identity: str, old: Props, want: Props) -> Props:
        _class(want["instanceClass"])
        _storage(old["allocatedStorage"], want)
        changed = {key: value for key, value in want.items() if old.get(key) != value}
        params = {aws: value for aws, value in pick(changed, **_INSTANCE).items() if aws not in _ONLY_CREATED}
        how = pick(
            want, AllowMajorVersionUpgrade="allowMajorVersionUpgrade", ApplyImmediately="applyImmediately"
        )
        if "EngineVersion" in params:
            _upgrade(old["engineVersion"], want["engineVersion"], how)
        if params:
            cloud.call("rds", "modify_db_instance", DBInstanceIdentifier=identity, **params, **how)
        return self._outputs(cloud, identity)

    def exists(self, cloud: Cloud, identity: str, state: Props) -> bool:
        return cloud.there("rds", "describe_db_instances", DBInstanceIdentifier=identity)

    def found(self, cloud: Cloud, identity: str, state: Props) -> Props:
        found = cloud.call("rds", "describe_db_instances", DBInstanceIdentifier=identity)["DBInstances"]
        return {"publiclyAccessible": first(found)["PubliclyAccessible"]}

    def delete(self, cloud: Cloud, identity: str, state: Props) -> None:
        if state.get("deletionProtection"):
            raise ValueError(f"InvalidParameterCombination: {identity} has deletion protection")
        last = (
            {}
            if state.get("skipFinalSnapshot")
            else pick(state, FinalDBSnapshotIdentifier="finalSnapshotIdentifier")
        )
        cloud.call(
            "rds",
            "delete_db_instance",
            DBInstanceIdentifier=identity,
            SkipFinalSnapshot=bool(state.get("skipFinalSnapshot")),
            **last,
        )


def _storage(before: int, want: Props) -> None:
    size, most = want["allocatedStorage"], want["maxAllocatedStorage"]
    if size < before:
        raise ValueError(f"InvalidParameterCombination: storage can't shrink from {before} to {size} GB")
    if most < 1.1 * size:
        raise ValueError(f"InvalidParameterCombination: max storage {most} is not a tenth above {size} GB")


def _upgrade(old: str, new: str, how: Props) -> None:
    before, after = (version.partition(".")[0] for version in (old, new))
    if before != after and not how.get("AllowMajorVersionUpgrade"):
        raise ValueError(
            "InvalidParameterCombination: the AllowMajorVersionUpgrade flag must be present when upgrading"
            " to a new major version"
        )
    if before != after and not how.get("ApplyImmediately"):
        raise ValueError("InvalidDBParameterGroupState: the old parameter group is in use until the window")


def _class(name: str) -> None:
    family, _, size = name.rpartition(".")
    if family not in _CLASSES or size not in _SIZES:
        raise ValueError(f"InvalidParameterValue: invalid DB instance class: {name}")
