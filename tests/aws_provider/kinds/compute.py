"""EMR Serverless, MWAA, ECS, ECR and load balancers."""

import json
import uuid

from tests.aws_provider.cloud import Cloud
from tests.aws_provider.kind import Kind, Made, Props, first, kind, pascal, pick, tags


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


@kind("ecr/repository:Repository")
class Repository(Kind):
    replaces = frozenset({"name", "encryptionConfigurations"})

    def create(self, cloud: Cloud, want: Props) -> Made:
        encryption = first(want["encryptionConfigurations"])
        made = cloud.call(
            "ecr",
            "create_repository",
            repositoryName=want["name"],
            imageTagMutability=want["imageTagMutability"],
            imageScanningConfiguration=want["imageScanningConfiguration"],
            encryptionConfiguration=pick(encryption, encryptionType="encryptionType", kmsKey="kmsKey"),
            tags=tags(want),
        )["repository"]
        return want["name"], {
            "arn": made["repositoryArn"],
            "repositoryUrl": made["repositoryUri"],
            "registryId": made["registryId"],
        }

    def exists(self, cloud: Cloud, identity: str, state: Props) -> bool:
        return cloud.there("ecr", "describe_repositories", repositoryNames=[identity])

    def delete(self, cloud: Cloud, identity: str, state: Props) -> None:
        cloud.call("ecr", "delete_repository", repositoryName=identity, force=bool(state.get("forceDelete")))


@kind("ecr/lifecyclePolicy:LifecyclePolicy")
class LifecyclePolicy(Kind):
    replaces = frozenset({"repository", "policy"})

    def create(self, cloud: Cloud, want: Props) -> Made:
        cloud.call(
            "ecr",
            "put_lifecycle_policy",
            repositoryName=want["repository"],
            lifecyclePolicyText=want["policy"],
        )
        return want["repository"], {}

    def exists(self, cloud: Cloud, identity: str, state: Props) -> bool:
        return cloud.there("ecr", "get_lifecycle_policy", repositoryName=identity)

    def delete(self, cloud: Cloud, identity: str, state: Props) -> None:
        cloud.call("ecr", "delete_lifecycle_policy", repositoryName=identity)


@kind("ecs/cluster:Cluster")
class Cluster(Kind):
    replaces = frozenset({"name"})

    def create(self, cloud: Cloud, want: Props) -> Made:
        made = cloud.call(
            "ecs",
            "create_cluster",
            clusterName=want["name"],
            settings=want.get("settings"),
            tags=tags(want, "key", "value"),
        )["cluster"]
        return made["clusterArn"], {"arn": made["clusterArn"]}

    def exists(self, cloud: Cloud, identity: str, state: Props) -> bool:
        found = cloud.call("ecs", "describe_clusters", clusters=[identity])["clusters"]
        return bool(found) and found[0]["status"] == "ACTIVE"

    def delete(self, cloud: Cloud, identity: str, state: Props) -> None:
        cloud.call("ecs", "delete_cluster", cluster=identity)


@kind("ecs/taskDefinition:TaskDefinition")
class TaskDefinition(Kind):
    replaces = frozenset(
        {"family", "containerDefinitions", "cpu", "memory", "taskRoleArn", "executionRoleArn", "volumes"}
    )

    def create(self, cloud: Cloud, want: Props) -> Made:
        made = cloud.call(
            "ecs",
            "register_task_definition",
            containerDefinitions=json.loads(want["containerDefinitions"]),
            volumes=[{"name": volume["name"]} for volume in want.get("volumes") or []],
            tags=tags(want, "key", "value"),
            **pick(
                want,
                family="family",
                cpu="cpu",
                memory="memory",
                taskRoleArn="taskRoleArn",
                executionRoleArn="executionRoleArn",
                networkMode="networkMode",
                requiresCompatibilities="requiresCompatibilities",
            ),
        )["taskDefinition"]
        return want["family"], {"arn": made["taskDefinitionArn"], "revision": made["revision"]}

    def exists(self, cloud: Cloud, identity: str, state: Props) -> bool:
        return cloud.there("ecs", "describe_task_definition", taskDefinition=state["arn"])

    def delete(self, cloud: Cloud, identity: str, state: Props) -> None:
        cloud.call("ecs", "deregister_task_definition", taskDefinition=state["arn"])


@kind("ecs/service:Service")
class Service(Kind):
    replaces = frozenset({"name", "cluster", "launchType"})

    def create(self, cloud: Cloud, want: Props) -> Made:
        network = want["networkConfiguration"]
        made = cloud.call(
            "ecs",
            "create_service",
            cluster=want["cluster"],
            serviceName=want["name"],
            taskDefinition=want["taskDefinition"],
            desiredCount=want["desiredCount"],
            launchType=want["launchType"],
            networkConfiguration={
                "awsvpcConfiguration": {
                    "subnets": network["subnets"],
                    "securityGroups": network["securityGroups"],
                    "assignPublicIp": "ENABLED" if network["assignPublicIp"] else "DISABLED",
                }
            },
            loadBalancers=[
                pick(
                    item,
                    targetGroupArn="targetGroupArn",
                    containerName="containerName",
                    containerPort="containerPort",
                )
                for item in want.get("loadBalancers") or []
            ],
            healthCheckGracePeriodSeconds=want.get("healthCheckGracePeriodSeconds"),
            deploymentConfiguration={"deploymentCircuitBreaker": want["deploymentCircuitBreaker"]},
            tags=tags(want, "key", "value"),
        )["service"]
        return made["serviceArn"], {"arn": made["serviceArn"]}

    def update(self, cloud: Cloud, identity: str, old: Props, want: Props) -> Props:
        cloud.call(
            "ecs",
            "update_service",
            cluster=want["cluster"],
            service=want["name"],
            taskDefinition=want["taskDefinition"],
            desiredCount=want["desiredCount"],
        )
        return {}

    def exists(self, cloud: Cloud, identity: str, state: Props) -> bool:
        found = cloud.call("ecs", "describe_services", cluster=state["cluster"], services=[state["name"]])
        return any(item["status"] == "ACTIVE" for item in found["services"])

    def delete(self, cloud: Cloud, identity: str, state: Props) -> None:
        cloud.call("ecs", "delete_service", cluster=state["cluster"], service=state["name"], force=True)


@kind("lb/loadBalancer:LoadBalancer")
class LoadBalancer(Kind):
    replaces = frozenset({"name", "internal", "loadBalancerType"})

    def create(self, cloud: Cloud, want: Props) -> Made:
        if len(want["name"]) > 32:
            raise ValueError(f"ValidationError: {want['name']} is longer than 32")
        made = first(
            cloud.call(
                "elbv2",
                "create_load_balancer",
                Name=want["name"],
                Scheme="internal" if want["internal"] else "internet-facing",
                Type=want["loadBalancerType"],
                Subnets=want["subnets"],
                SecurityGroups=want["securityGroups"],
                Tags=tags(want),
            )["LoadBalancers"]
        )
        arn = made["LoadBalancerArn"]
        self._attributes(cloud, arn, want)
        return arn, {
            "arn": arn,
            "arnSuffix": arn.partition(":loadbalancer/")[2],
            "dnsName": made["DNSName"],
            "zoneId": made["CanonicalHostedZoneId"],
        }

    def _attributes(self, cloud: Cloud, arn: str, want: Props) -> None:
        logs = want["accessLogs"]
        if not cloud.there("s3", "get_bucket_policy", Bucket=logs["bucket"]):
            raise ValueError(f"InvalidConfigurationRequest: access denied for bucket {logs['bucket']}")
        given = {
            "deletion_protection.enabled": want.get("enableDeletionProtection", False),
            "routing.http.drop_invalid_header_fields.enabled": want["dropInvalidHeaderFields"],
            "access_logs.s3.enabled": logs["enabled"],
            "access_logs.s3.bucket": logs["bucket"],
            "access_logs.s3.prefix": logs["prefix"],
        }
        cloud.call(
            "elbv2",
            "modify_load_balancer_attributes",
            LoadBalancerArn=arn,
            Attributes=[
                {"Key": key, "Value": str(value).lower() if isinstance(value, bool) else value}
                for key, value in given.items()
            ],
        )

    def update(self, cloud: Cloud, identity: str, old: Props, want: Props) -> Props:
        self._attributes(cloud, identity, want)
        return {}

    def exists(self, cloud: Cloud, identity: str, state: Props) -> bool:
        return cloud.there("elbv2", "describe_load_balancers", LoadBalancerArns=[identity])

    def delete(self, cloud: Cloud, identity: str, state: Props) -> None:
        cloud.call("elbv2", "delete_load_balancer", LoadBalancerArn=identity)


@kind("lb/targetGroup:TargetGroup")
class TargetGroup(Kind):
    replaces = frozenset({"name", "port", "protocol", "targetType", "vpcId"})

    def create(self, cloud: Cloud, want: Props) -> Made:
        check = want["healthCheck"]
        made = first(
            cloud.call(
                "elbv2",
                "create_target_group",
                Name=want["name"],
                Port=want["port"],
                Protocol=want["protocol"],
                TargetType=want["targetType"],
                VpcId=want["vpcId"],
                HealthCheckPath=check["path"],
                HealthCheckIntervalSeconds=check["interval"],
                HealthCheckTimeoutSeconds=check["timeout"],
                HealthyThresholdCount=check["healthyThreshold"],
                Matcher={"HttpCode": check["matcher"]},
                Tags=tags(want),
            )["TargetGroups"]
        )
        arn = made["TargetGroupArn"]
        return arn, {"arn": arn, "arnSuffix": arn.rpartition(":")[2]}

    def exists(self, cloud: Cloud, identity: str, state: Props) -> bool:
        return cloud.there("elbv2", "describe_target_groups", TargetGroupArns=[identity])

    def delete(self, cloud: Cloud, identity: str, state: Props) -> None:
        cloud.call("elbv2", "delete_target_group", TargetGroupArn=identity)


@kind("lb/listener:Listener")
class Listener(Kind):
    replaces = frozenset({"loadBalancerArn", "port", "protocol"})

    def create(self, cloud: Cloud, want: Props) -> Made:
        certificate = want.get("certificateArn")
        made = first(
            cloud.call(
                "elbv2",
                "create_listener",
                LoadBalancerArn=want["loadBalancerArn"],
                Port=want["port"],
                Protocol=want["protocol"],
                SslPolicy=want.get("sslPolicy"),
                Certificates=[{"CertificateArn": certificate}] if certificate else None,
                DefaultActions=[
                    pick(item, Type="type", TargetGroupArn="targetGroupArn")
                    for item in want["defaultActions"]
                ],
                Tags=tags(want),
            )["Listeners"]
        )
        return made["ListenerArn"], {"arn": made["ListenerArn"]}

    def exists(self, cloud: Cloud, identity: str, state: Props) -> bool:
        return cloud.there("elbv2", "describe_listeners", ListenerArns=[identity])

    def delete(self, cloud: Cloud, identity: str, state: Props) -> None:
        cloud.call("elbv2", "delete_listener", ListenerArn=identity)
