"""EMR Serverless."""

import uuid

from tests.aws_provider.cloud import Cloud
from tests.aws_provider.kind import Kind, Made, Props, kind, pick


@kind("emrserverless/application:Application")
class Application(Kind):
    """moto refuses the labels of the Spark 4 series, so it is in the store, where a test can start it."""

    replaces = frozenset({"name", "type", "architecture"})

    def _params(self, want: Props) -> Props:
        return {
            "releaseLabel": want["releaseLabel"],
            "architecture": want["architecture"],
            "maximumCapacity": want["maximumCapacity"],
            "autoStartConfiguration": want["autoStartConfiguration"],
            "autoStopConfiguration": want["autoStopConfiguration"],
            "networkConfiguration": want["networkConfiguration"],
            "monitoringConfiguration": _monitoring(want["monitoringConfiguration"]),
            "runtimeConfiguration": want["runtimeConfigurations"],
        }

    def create(self, cloud: Cloud, want: Props) -> Made:
        identity = uuid.uuid5(uuid.NAMESPACE_URL, want["name"]).hex[:16]
        cloud.pretend(
            "emr-serverless",
            "CreateApplication",
            name=want["name"],
            type=want["type"],
            clientToken=identity,
            tags=want.get("tags"),
            **self._params(want),
        )
        cloud.store.add(f"emr-serverless/{identity}", {"name": want["name"], "state": "CREATED"})
        return identity, {"arn": cloud.arn("emr-serverless", f"/applications/{identity}")}

    def _must_stand(self, cloud: Cloud, identity: str) -> None:
        state = cloud.store.get(f"emr-serverless/{identity}")["state"]
        if state not in ("CREATED", "STOPPED"):
            raise ValueError(
                f"ValidationException: application {identity} must be CREATED or STOPPED, it is {state}"
            )

    def update(self, cloud: Cloud, identity: str, old: Props, want: Props) -> Props:
        self._must_stand(cloud, identity)
        cloud.pretend(
            "emr-serverless",
            "UpdateApplication",
            applicationId=identity,
            clientToken=identity,
            **self._params(want),
        )
        return {}

    def exists(self, cloud: Cloud, identity: str, state: Props) -> bool:
        return cloud.store.get(f"emr-serverless/{identity}") is not None

    def delete(self, cloud: Cloud, identity: str, state: Props) -> None:
        self._must_stand(cloud, identity)
        cloud.store.remove(f"emr-serverless/{identity}")


def _monitoring(want: Props) -> Props:
    given = want["cloudwatchLoggingConfiguration"]
    return {
        "managedPersistenceMonitoringConfiguration": want["managedPersistenceMonitoringConfiguration"],
        "cloudWatchLoggingConfiguration": {
            "enabled": given["enabled"],
            **pick(
                given,
                logGroupName="logGroupName",
                logStreamNamePrefix="logStreamNamePrefix",
                encryptionKeyArn="encryptionKeyArn",
            ),
        },
    }
