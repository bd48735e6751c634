"""What is in an account, asked of moto service by service, and never of the provider that put it there."""

from collections.abc import Callable
from typing import Any

import boto3

Client = Any


class Account:
    """An account on moto; `everything()` is empty before an `up` and after a `destroy`."""

    def __init__(self, endpoint: str, region: str) -> None:
        self._session = boto3.Session(
            aws_access_key_id="test", aws_secret_access_key="test", region_name=region
        )
        self._endpoint = endpoint

    def client(self, service: str) -> Client:
        return self._session.client(service, endpoint_url=self._endpoint)

    def everything(self) -> dict[str, list[str]]:
        """Return names of all there is, without what every account has."""
        found = {label: sorted(ask(self.client(label.partition(":")[0]))) for label, ask in _ASKED.items()}
        return {label: names for label, names in found.items() if names}

    def key_descriptions(self) -> list[str]:
        """Return the descriptions of the keys that can be used; a stack's own outlives it."""
        keys = self.client("kms")
        found = [keys.describe_key(KeyId=item["KeyId"])["KeyMetadata"] for item in keys.list_keys()["Keys"]]
        return [
            item["Description"]
            for item in found
            if item["KeyState"] == "Enabled" and item["KeyManager"] == "CUSTOMER"
        ]

    def secret_values(self) -> list[str]:
        secrets = self.client("secretsmanager")
        return [
            secrets.get_secret_value(SecretId=item["ARN"])["SecretString"]
            for item in secrets.list_secrets()["SecretList"]
        ]


def _ids(
    method: str, key: str, identity: str, keep: Callable[[Any], bool] = bool
) -> Callable[[Client], list[str]]:
    def ask(client: Client) -> list[str]:
        return [item[identity] for item in getattr(client, method)()[key] if keep(item)]

    return ask


def _aws_made(item: dict[str, Any]) -> bool:
    return "aws-service-role" not in item["Path"]


def _subnets(client: Client) -> list[str]:
    default = {vpc["VpcId"] for vpc in client.describe_vpcs()["Vpcs"] if vpc["IsDefault"]}
    return [item["SubnetId"] for item in client.describe_subnets()["Subnets"] if item["VpcId"] not in default]


_ASKED: dict[str, Callable[[Client], list[str]]] = {
    "ec2:vpcs": _ids("describe_vpcs", "Vpcs", "VpcId", lambda vpc: not vpc["IsDefault"]),
    "ec2:subnets": _subnets,
    "ec2:groups": _ids(
        "describe_security_groups", "SecurityGroups", "GroupId", lambda item: item["GroupName"] != "default"
    ),
    "ec2:gateways": _ids("describe_internet_gateways", "InternetGateways", "InternetGatewayId"),
    "ec2:nat": _ids(
        "describe_nat_gateways", "NatGateways", "NatGatewayId", lambda item: item["State"] != "deleted"
    ),
    "ec2:addresses": _ids("describe_addresses", "Addresses", "AllocationId"),
    "ec2:endpoints": _ids(
        "describe_vpc_endpoints", "VpcEndpoints", "VpcEndpointId", lambda item: item["State"] != "deleted"
    ),
    "ec2:flows": _ids("describe_flow_logs", "FlowLogs", "FlowLogId"),
    "iam:roles": _ids("list_roles", "Roles", "RoleName", _aws_made),
    "s3:buckets": _ids("list_buckets", "Buckets", "Name"),
    "secretsmanager:secrets": _ids("list_secrets", "SecretList", "Name"),
    "kms:aliases": _ids(
        "list_aliases", "Aliases", "AliasName", lambda item: not item["AliasName"].startswith("alias/aws/")
    ),
    "rds:instances": _ids("describe_db_instances", "DBInstances", "DBInstanceIdentifier"),
    "rds:subnets": _ids("describe_db_subnet_groups", "DBSubnetGroups", "DBSubnetGroupName"),
    "rds:parameters": _ids(
        "describe_db_parameter_groups",
        "DBParameterGroups",
        "DBParameterGroupName",
        lambda item: not item["DBParameterGroupName"].startswith("default."),
    ),
    "kafka:clusters": _ids("list_clusters", "ClusterInfoList", "ClusterName"),
    "logs:groups": _ids("describe_log_groups", "logGroups", "logGroupName"),
    "ecs:clusters": lambda client: [
        item["clusterName"]
        # Those that were deleted are told of for a while, as on AWS.
        for item in client.describe_clusters(clusters=client.list_clusters()["clusterArns"])["clusters"]
        if item["status"] == "ACTIVE"
    ],
    "ecs:tasks": lambda client: list(client.list_task_definitions()["taskDefinitionArns"]),
    "ecr:repositories": _ids("describe_repositories", "repositories", "repositoryName"),
    "elbv2:balancers": _ids("describe_load_balancers", "LoadBalancers", "LoadBalancerName"),
    "elbv2:targets": _ids("describe_target_groups", "TargetGroups", "TargetGroupName"),
    "cloudwatch:alarms": _ids("describe_alarms", "MetricAlarms", "AlarmName"),
    "cloudwatch:dashboards": _ids("list_dashboards", "DashboardEntries", "DashboardName"),
    "sns:topics": _ids("list_topics", "Topics", "TopicArn"),
    "budgets:budgets": lambda client: [
        item["BudgetName"] for item in client.describe_budgets(AccountId="123456789012").get("Budgets", [])
    ],
}
