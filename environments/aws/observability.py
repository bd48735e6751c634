"""Alarms to one SNS topic, one CloudWatch dashboard, and a budget that warns before the month is over."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws.budgets as budgets
import pulumi_aws.cloudwatch as cloudwatch
import pulumi_aws.sns as sns

from environments.aws.options import Options
from environments.aws.place import Place
from environments.aws.policies import document
from environments.aws.sizes import SizeName

# The budget's limit unless config has one: somebody is told at 80 % of it, and docs/aws-cost.md stays below.
USUAL_USD: dict[SizeName, int] = {"small": 900, "standard": 2200, "production": 4600}
_MINUTE = 60
# RDS makes a disk larger when less than a tenth of it is free; this share of its first size is below that.
_DISK_FREE = 0.08


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """When to ring: `metric` compared with `limit`, `times` in a row of `minutes` each."""

    label: str
    says: str
    namespace: str
    metric: str
    dimensions: Mapping[str, str]
    limit: float
    below: bool = False
    statistic: str = "Maximum"
    minutes: int = 5
    times: int = 3
    missing: str = "missing"


@dataclass(frozen=True)
class ObservabilityArgs:
    """The names by which CloudWatch knows the parts."""

    options: Options
    place: Place
    key_arn: pulumi.Input[str]
    postgres: str
    postgres_gb: int
    kafka: str
    brokers: int
    airflow: str
    namespace: str
    balancer: pulumi.Input[str]
    target: pulumi.Input[str]

    def __post_init__(self) -> None:
        """Refuse an alarm about nothing."""
        if not (self.postgres and self.kafka and self.airflow):
            raise ValueError("postgres, kafka, airflow: each needs a name to be watched by")


class Observability(pulumi.ComponentResource):
    """`topic`, where alarms go."""

    def __init__(
        self, name: str, args: ObservabilityArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("ecom:aws:Observability", name, {}, opts)
        self._name, self._args = name, args
        self._inner = pulumi.ResourceOptions(parent=self)
        self.topic = self._topic()
        for alarm in alarms(args):
            self._alarm(alarm, alarm.dimensions)
        self._healthy_hosts()
        self._dashboard()
        self._budget()
        self.register_outputs({"topic": self.topic.arn})

    def _topic(self) -> sns.Topic:
        topic = sns.Topic(f"{self._name}-alarms", kms_master_key_id=self._args.key_arn, opts=self._inner)
        sns.TopicPolicy(
            f"{self._name}-alarms",
            arn=topic.arn,
            policy=topic.arn.apply(lambda arn: _senders(arn, self._args.place)),
            opts=self._inner,
        )
        if self._args.options.alarm_email:
            sns.TopicSubscription(
                f"{self._name}-alarms",
                topic=topic.arn,
                protocol="email",
                endpoint=self._args.options.alarm_email,
                opts=self._inner,
            )
        return topic

    def _alarm(self, alarm: Alarm, dimensions: Mapping[str, pulumi.Input[str]]) -> None:
        cloudwatch.MetricAlarm(
            f"{self._name}-{alarm.label}",
            name=f"{self._name}-{alarm.label}",
            alarm_description=alarm.says,
            namespace=alarm.namespace,
            metric_name=alarm.metric,
            dimensions=dimensions,
            statistic=alarm.statistic,
            period=alarm.minutes * _MINUTE,
            evaluation_periods=alarm.times,
            threshold=alarm.limit,
            comparison_operator="LessThanThreshold" if alarm.below else "GreaterThanThreshold",
            treat_missing_data=alarm.missing,
            alarm_actions=[self.topic.arn],
            ok_actions=[self.topic.arn],
            opts=self._inner,
        )

    def _healthy_hosts(self) -> None:
        alarm = Alarm(
            label="metabase-down",
            says="No Metabase answers its load balancer.",
            namespace="AWS/ApplicationELB",
            metric="HealthyHostCount",
            dimensions={},
            limit=1,
            below=True,
            missing="breaching",
        )
        self._alarm(alarm, {"LoadBalancer": self._args.balancer, "TargetGroup": self._args.target})

    def _dashboard(self) -> None:
        watched = alarms(self._args)
        widgets = [_widget(alarm, number, self._args.place.region) for number, alarm in enumerate(watched)]
        cloudwatch.Dashboard(
            self._name,
            dashboard_name=self._name,
            dashboard_body=json.dumps({"widgets": widgets}, sort_keys=True),
            opts=self._inner,
        )

    def _budget(self) -> None:
        options = self._args.options
        notify = [
            budgets.BudgetNotificationArgs(
                comparison_operator="GREATER_THAN",
                threshold=threshold,
                threshold_type="PERCENTAGE",
                notification_type=kind,
                subscriber_sns_topic_arns=[self.topic.arn],
            )
            for kind, threshold in (("ACTUAL", 80), ("FORECASTED", 100))
        ]
        budgets.Budget(
            self._name,
            name=self._name,
            budget_type="COST",
            time_unit="MONTHLY",
            limit_amount=f"{options.monthly_budget_usd or USUAL_USD[options.size]}.0",
            limit_unit="USD",
            # By tag, once the account's owner has activated it for cost allocation.
            cost_filters=[
                budgets.BudgetCostFilterArgs(name="TagKeyValue", values=[f"user:Stack${self._stack}"])
            ],
            notifications=notify,
            opts=self._inner,
        )

    @property
    def _stack(self) -> str:
        return pulumi.get_stack()


def alarms(args: ObservabilityArgs) -> Sequence[Alarm]:
    """Return what is watched, save the load balancer, whose names AWS makes up.

    What is ours is published by the DAGs `stream_watch` and, for a task that failed, by whichever it was.
    """
    ours = {"namespace": args.namespace, "dimensions": {}}
    postgres = {"namespace": "AWS/RDS", "dimensions": {"DBInstanceIdentifier": args.postgres}}
    free_gb = args.postgres_gb * _DISK_FREE
    return [
        Alarm(
            label="stream-behind",
            says="More than 500,000 events wait for the streaming job: `ecom status`, then the runbook.",
            metric="EventsBehind",
            limit=500_000,
            **ours,  # type: ignore[arg-type]
        ),
        Alarm(
            label="stream-stale",
            says="The streaming job committed nothing for 10 minutes while events waited, or nobody looked.",
            metric="LastCommitAgeSeconds",
            limit=600,
            missing="breaching",
            **ours,  # type: ignore[arg-type]
        ),
        Alarm(
            label="stream-late",
            says="For a quarter of an hour the newest events were over 5 minutes old when committed.",
            metric="FreshnessSeconds",
            limit=300,
            # Nothing is committed where nothing comes, and where something waits stream-stale rings.
            missing="notBreaching",
            **ours,  # type: ignore[arg-type]
        ),
        Alarm(
            label="dead-letters",
            says="More than 1 % of the last hour's events were not valid: `ecom dlq list`.",
            metric="DeadLetterPercent",
            limit=1,
            missing="notBreaching",
            **ours,  # type: ignore[arg-type]
        ),
        Alarm(
            label="dag-failed",
            says="A task of Airflow failed for good: its log says why.",
            metric="TasksFailed",
            limit=0,
            statistic="Sum",
            times=1,
            missing="notBreaching",
            **ours,  # type: ignore[arg-type]
        ),
        Alarm(
            label="postgres-disk",
            says=f"Less than {free_gb:.1f} GB of the warehouse's disk are free: it has grown to its limit,"
            " or fills faster than RDS makes it larger.",
            metric="FreeStorageSpace",
            limit=free_gb * 1024**3,
            below=True,
            statistic="Minimum",
            **postgres,  # type: ignore[arg-type]
        ),
        Alarm(
            label="postgres-cpu",
            says="The warehouse's CPU was above 90 % for a quarter of an hour.",
            metric="CPUUtilization",
            limit=90,
            statistic="Average",
            **postgres,  # type: ignore[arg-type]
        ),
        *(_broker_disk(args.kafka, broker) for broker in range(1, args.brokers + 1)),
    ]


def _broker_disk(cluster: str, broker: int) -> Alarm:
    # MSK knows it by broker only: without the broker's number an alarm would never see a measurement.
    return Alarm(
        label=f"kafka-disk-{broker}",
        says=f"Broker {broker}'s disk is over 80 % full: raise awsBrokerGb, or keep events for less long.",
        namespace="AWS/Kafka",
        metric="KafkaDataLogsDiskUsed",
        dimensions={"Cluster Name": cluster, "Broker ID": str(broker)},
        limit=80,
    )


def _senders(topic: str, place: Place) -> str:
    return document(
        [
            {
                "Sid": "AlarmsAndBudgetsOfThisAccount",
                "Effect": "Allow",
                "Principal": {"Service": ["cloudwatch.amazonaws.com", "budgets.amazonaws.com"]},
                "Action": "sns:Publish",
                "Resource": topic,
                "Condition": {"StringEquals": {"aws:SourceAccount": place.account}},
            }
        ]
    )


def _widget(alarm: Alarm, number: int, region: str) -> dict[str, object]:
    pairs = [word for pair in alarm.dimensions.items() for word in pair]
    return {
        "type": "metric",
        "x": number % 2 * 12,
        "y": number // 2 * 6,
        "width": 12,
        "height": 6,
        "properties": {
            "title": alarm.label,
            "region": region,
            "metrics": [[alarm.namespace, alarm.metric, *pairs]],
            "stat": alarm.statistic,
            "period": alarm.minutes * _MINUTE,
            "annotations": {"horizontal": [{"label": "alarm", "value": alarm.limit}]},
        },
    }
