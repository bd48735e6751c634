"""MWAA."""

import uuid

from tests.aws_provider.cloud import Cloud
from tests.aws_provider.kind import Kind, Made, Props, kind, pascal


@kind("mwaa/environment:Environment")
class Environment(Kind):
    """moto has no MWAA; what it would read from the bucket must be there."""

    replaces = frozenset({"name", "kmsKey", "networkConfiguration"})

    def _params(self, want: Props) -> Props:
        network = want["networkConfiguration"]
        logs = {key: pascal(value) for key, value in want["loggingConfiguration"].items()}
        return {
            "AirflowConfigurationOptions": want["airflowConfigurationOptions"],
            "AirflowVersion": want["airflowVersion"],
            "DagS3Path": want["dagS3Path"],
            "EnvironmentClass": want["environmentClass"],
            "ExecutionRoleArn": want["executionRoleArn"],
            "LoggingConfiguration": pascal(logs),
            "MaxWorkers": want["maxWorkers"],
            "MinWorkers": want["minWorkers"],
            "Name": want["name"],
            "PluginsS3ObjectVersion": want["pluginsS3ObjectVersion"],
            "PluginsS3Path": want["pluginsS3Path"],
            "RequirementsS3ObjectVersion": want["requirementsS3ObjectVersion"],
            "RequirementsS3Path": want["requirementsS3Path"],
            "StartupScriptS3ObjectVersion": want["startupScriptS3ObjectVersion"],
            "StartupScriptS3Path": want["startupScriptS3Path"],
            "SourceBucketArn": want["sourceBucketArn"],
            "WebserverAccessMode": want["webserverAccessMode"],
            "WeeklyMaintenanceWindowStart": want["weeklyMaintenanceWindowStart"],
            "NetworkConfiguration": {"SecurityGroupIds": network["securityGroupIds"]},
        }

    def _look(self, cloud: Cloud, want: Props) -> None:
        bucket = want["sourceBucketArn"].rpartition(":")[2]
        for part in ("plugins", "requirements", "startupScript"):
            cloud.call(
                "s3",
                "head_object",
                Bucket=bucket,
                Key=want[f"{part}S3Path"],
                VersionId=want[f"{part}S3ObjectVersion"],
            )
        state = cloud.call("s3", "get_bucket_versioning", Bucket=bucket)
        if state.get("Status") != "Enabled":
            raise ValueError(f"ValidationException: versioning of {bucket} is not enabled")
        if not cloud.there("s3", "get_public_access_block", Bucket=bucket):
            raise ValueError(f"ValidationException: public access to {bucket} is not blocked")

    def create(self, cloud: Cloud, want: Props) -> Made:
        self._look(cloud, want)
        params, subnets = self._params(want), want["networkConfiguration"]["subnetIds"]
        params["NetworkConfiguration"]["SubnetIds"] = subnets
        if len(subnets) != 2:
            raise ValueError("ValidationException: exactly two subnets")
        cloud.pretend("mwaa", "CreateEnvironment", KmsKey=want["kmsKey"], Tags=want.get("tags"), **params)
        cloud.store.add(f"mwaa/{want['name']}", {"version": want["airflowVersion"]})
        host = uuid.uuid5(uuid.NAMESPACE_URL, want["name"])
        return want["name"], {
            "arn": cloud.arn("airflow", f"environment/{want['name']}"),
            "webserverUrl": f"{host}.c1.{cloud.region}.airflow.amazonaws.com",
            "status": "AVAILABLE",
        }

    def update(self, cloud: Cloud, identity: str, old: Props, want: Props) -> Props:
        self._look(cloud, want)
        cloud.pretend("mwaa", "UpdateEnvironment", **self._params(want))
        return {}

    def exists(self, cloud: Cloud, identity: str, state: Props) -> bool:
        return cloud.store.get(f"mwaa/{identity}") is not None

    def delete(self, cloud: Cloud, identity: str, state: Props) -> None:
        cloud.store.remove(f"mwaa/{identity}")
