"""Load balancers."""

from tests.aws_provider.cloud import Cloud
from tests.aws_provider.kind import Kind, Made, Props, first, kind, pick, tags


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
