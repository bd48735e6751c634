"""The producer as a service on Fargate, for demo traffic; off unless stack config asks for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws.ecs as ecs

from environments.aws import access
from environments.aws.tasks import TaskArgs, Tasks
from infra.config import KafkaConfig

_COMMAND = ("python", "-m", "producer", "--rate", "10", "--no-progress")


@dataclass(frozen=True)
class ProducerArgs:
    """Image, place, and what it may write to."""

    tasks: Tasks
    image: pulumi.Input[str]
    repository_arn: pulumi.Input[str]
    subnets: Sequence[pulumi.Input[str]]
    security_group: pulumi.Input[str]
    env: pulumi.Input[Mapping[str, str]]
    kafka: KafkaConfig
    cluster_arn: pulumi.Input[str]

    def __post_init__(self) -> None:
        """Refuse a service without a place."""
        if not self.subnets:
            raise ValueError("subnets: none")


class Producer(pulumi.ComponentResource):
    """One task that sends some orders a second until it is switched off."""

    def __init__(self, name: str, args: ProducerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ecom:aws:Producer", name, {}, opts)
        definition = args.tasks.task("producer", _task(args))
        self.service = ecs.Service(
            name,
            name="producer",
            cluster=args.tasks.cluster.arn,
            task_definition=definition.arn,
            desired_count=1,
            launch_type="FARGATE",
            network_configuration=ecs.ServiceNetworkConfigurationArgs(
                subnets=args.subnets, security_groups=[args.security_group], assign_public_ip=False
            ),
            deployment_circuit_breaker=ecs.ServiceDeploymentCircuitBreakerArgs(enable=True, rollback=True),
            wait_for_steady_state=False,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({})


def _task(args: ProducerArgs) -> TaskArgs:
    return TaskArgs(
        image=args.image,
        repository_arn=args.repository_arn,
        command=_COMMAND,
        env=args.env,
        secrets={},
        inputs={"cluster": args.cluster_arn},
        may=lambda values: [
            *access.connect(values["cluster"]),
            *access.write_topics(values["cluster"], [args.kafka.orders_topic]),
        ],
    )
