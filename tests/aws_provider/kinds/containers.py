"""ECR and ECS."""

import json

from tests.aws_provider.cloud import Cloud
from tests.aws_provider.kind import Kind, Made, Props, first, kind, pick, tags


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
