"""CloudWatch, SNS and budgets."""

from tests.aws_provider.cloud import ACCOUNT, Cloud
from tests.aws_provider.kind import Kind, Made, Props, kind, pick, tags


@kind("cloudwatch/logGroup:LogGroup")
class LogGroup(Kind):
    autoname = ("name", 512)
    replaces = frozenset({"name"})

    def create(self, cloud: Cloud, want: Props) -> Made:
        cloud.call(
            "logs",
            "create_log_group",
            logGroupName=want["name"],
            kmsKeyId=want.get("kmsKeyId"),
            tags=want.get("tags"),
        )
        self._retain(cloud, want)
        return want["name"], {"arn": cloud.arn("logs", f"log-group:{want['name']}")}

    def _retain(self, cloud: Cloud, want: Props) -> None:
        days = want["retentionInDays"]
        if days not in (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827):
            raise ValueError(f"InvalidParameter: retentionInDays = {days}")
        cloud.call("logs", "put_retention_policy", logGroupName=want["name"], retentionInDays=days)

    def update(self, cloud: Cloud, identity: str, old: Props, want: Props) -> Props:
        self._retain(cloud, want)
        return {}

    def exists(self, cloud: Cloud, identity: str, state: Props) -> bool:
        found = cloud.call("logs", "describe_log_groups", logGroupNamePrefix=identity)["logGroups"]
        return any(group["logGroupName"] == identity for group in found)

    def delete(self, cloud: Cloud, identity: str, state: Props) -> None:
        cloud.call("logs", "delete_log_group", logGroupName=identity)


@kind("cloudwatch/metricAlarm:MetricAlarm")
class MetricAlarm(Kind):
    replaces = frozenset({"name"})

    def create(self, cloud: Cloud, want: Props) -> Made:
        cloud.call(
            "cloudwatch",
            "put_metric_alarm",
            AlarmName=want["name"],
            Dimensions=[
                {"Name": key, "Value": value} for key, value in (want.get("dimensions") or {}).items()
            ],
            Tags=tags(want),
            **pick(
                want,
                AlarmDescription="alarmDescription",
                Namespace="namespace",
                MetricName="metricName",
                Statistic="statistic",
                Period="period",
                EvaluationPeriods="evaluationPeriods",
                Threshold="threshold",
                ComparisonOperator="comparisonOperator",
                TreatMissingData="treatMissingData",
                AlarmActions="alarmActions",
                OKActions="okActions",
            ),
        )
        return want["name"], {"arn": cloud.arn("cloudwatch", f"alarm:{want['name']}")}

    def update(self, cloud: Cloud, identity: str, old: Props, want: Props) -> Props:
        self.create(cloud, want)
        return {}

    def exists(self, cloud: Cloud, identity: str, state: Props) -> bool:
        found = cloud.call("cloudwatch", "describe_alarms", AlarmNames=[identity])
        return bool(found["MetricAlarms"])

    def delete(self, cloud: Cloud, identity: str, state: Props) -> None:
        cloud.call("cloudwatch", "delete_alarms", AlarmNames=[identity])


@kind("cloudwatch/dashboard:Dashboard")
class Dashboard(Kind):
    replaces = frozenset({"dashboardName"})

    def create(self, cloud: Cloud, want: Props) -> Made:
        cloud.call(
            "cloudwatch",
            "put_dashboard",
            DashboardName=want["dashboardName"],
            DashboardBody=want["dashboardBody"],
        )
        return want["dashboardName"], {}

    def update(self, cloud: Cloud, identity: str, old: Props, want: Props) -> Props:
        self.create(cloud, want)
        return {}

    def exists(self, cloud: Cloud, identity: str, state: Props) -> bool:
        return cloud.there("cloudwatch", "get_dashboard", DashboardName=identity)

    def delete(self, cloud: Cloud, identity: str, state: Props) -> None:
        cloud.call("cloudwatch", "delete_dashboards", DashboardNames=[identity])


@kind("sns/topic:Topic")
class Topic(Kind):
    autoname = ("name", 256)
    replaces = frozenset({"name"})

    def create(self, cloud: Cloud, want: Props) -> Made:
        arn = cloud.call(
            "sns",
            "create_topic",
            Name=want["name"],
            Attributes=pick(want, KmsMasterKeyId="kmsMasterKeyId"),
            Tags=tags(want),
        )["TopicArn"]
        return arn, {"arn": arn}

    def exists(self, cloud: Cloud, identity: str, state: Props) -> bool:
        return cloud.there("sns", "get_topic_attributes", TopicArn=identity)

    def delete(self, cloud: Cloud, identity: str, state: Props) -> None:
        cloud.call("sns", "delete_topic", TopicArn=identity)


@kind("sns/topicPolicy:TopicPolicy")
class TopicPolicy(Kind):
    replaces = frozenset({"arn"})

    def create(self, cloud: Cloud, want: Props) -> Made:
        cloud.call(
            "sns",
            "set_topic_attributes",
            TopicArn=want["arn"],
            AttributeName="Policy",
            AttributeValue=want["policy"],
        )
        return want["arn"], {}

    def exists(self, cloud: Cloud, identity: str, state: Props) -> bool:
        return cloud.there("sns", "get_topic_attributes", TopicArn=identity)

    def delete(self, cloud: Cloud, identity: str, state: Props) -> None:
        """Leave it to the topic, which goes next."""


@kind("sns/topicSubscription:TopicSubscription")
class TopicSubscription(Kind):
    replaces = frozenset({"topic", "protocol", "endpoint"})

    def create(self, cloud: Cloud, want: Props) -> Made:
        arn = cloud.call(
            "sns",
            "subscribe",
            TopicArn=want["topic"],
            Protocol=want["protocol"],
            Endpoint=want["endpoint"],
            ReturnSubscriptionArn=True,
        )["SubscriptionArn"]
        return arn, {"arn": arn}

    def exists(self, cloud: Cloud, identity: str, state: Props) -> bool:
        return cloud.there("sns", "get_subscription_attributes", SubscriptionArn=identity)

    def delete(self, cloud: Cloud, identity: str, state: Props) -> None:
        cloud.call("sns", "unsubscribe", SubscriptionArn=identity)


@kind("budgets/budget:Budget")
class Budget(Kind):
    replaces = frozenset({"name"})

    def _budget(self, want: Props) -> Props:
        return {
            "BudgetName": want["name"],
            "BudgetType": want["budgetType"],
            "TimeUnit": want["timeUnit"],
            "BudgetLimit": {"Amount": want["limitAmount"], "Unit": want["limitUnit"]},
            "CostFilters": {item["name"]: item["values"] for item in want.get("costFilters") or []},
        }

    def create(self, cloud: Cloud, want: Props) -> Made:
        notify = [
            {
                "Notification": {
                    "NotificationType": item["notificationType"],
                    "ComparisonOperator": item["comparisonOperator"],
                    "Threshold": item["threshold"],
                    "ThresholdType": item["thresholdType"],
                },
                "Subscribers": [
                    {"SubscriptionType": "SNS", "Address": arn} for arn in item["subscriberSnsTopicArns"]
                ],
            }
            for item in want.get("notifications") or []
        ]
        cloud.call(
            "budgets",
            "create_budget",
            AccountId=ACCOUNT,
            Budget=self._budget(want),
            NotificationsWithSubscribers=notify,
        )
        return f"{ACCOUNT}:{want['name']}", {"accountId": ACCOUNT}

    def update(self, cloud: Cloud, identity: str, old: Props, want: Props) -> Props:
        cloud.pretend("budgets", "UpdateBudget", AccountId=ACCOUNT, NewBudget=self._budget(want))
        return {}

    def exists(self, cloud: Cloud, identity: str, state: Props) -> bool:
        return cloud.there("budgets", "describe_budget", AccountId=ACCOUNT, BudgetName=state["name"])

    def delete(self, cloud: Cloud, identity: str, state: Props) -> None:
        cloud.call("budgets", "delete_budget", AccountId=ACCOUNT, BudgetName=state["name"])
