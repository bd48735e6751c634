"""The `ecom` command as a task, because the platform's data are in reach from within the VPC only.

It has the rights of jobs and not the master's password, which is the setup task's alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi

from environments.aws import access
from environments.aws.tasks import TaskArgs, Tasks
from infra.config import KafkaConfig

ROLES = ("ingest", "etl")


@dataclass(frozen=True)
class OperatorArgs:
    """The image, the platform's variables, its topics, and the secrets of the two roles."""

    tasks: Tasks
    image: pulumi.Input[str]
    repository_arn: pulumi.Input[str]
    env: pulumi.Input[Mapping[str, str]]
    secrets: Mapping[str, pulumi.Input[str]]
    key_arn: pulumi.Input[str]
    kafka: KafkaConfig
    cluster_arn: pulumi.Input[str]

    def __post_init__(self) -> None:
        """Refuse more than the roles of jobs: a task's command is whatever its starter says."""
        if set(self.secrets) != set(ROLES):
            raise ValueError(f"secrets: {', '.join(sorted(self.secrets))}: exactly {', '.join(ROLES)}")


class Operator(pulumi.ComponentResource):
    """`task`: the task definition, for `python -m environments.aws.run_task ecom …`."""

    def __init__(self, name: str, args: OperatorArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ecom:aws:Operator", name, {}, opts)
        self.task = args.tasks.task("operator", _task(args))
        self.register_outputs({"task": self.task.arn})


def _task(args: OperatorArgs) -> TaskArgs:
    return TaskArgs(
        image=args.image,
        repository_arn=args.repository_arn,
        command=["python", "-m", "cli", "--help"],
        env=args.env,
        secrets={},
        inputs={"key": args.key_arn, "cluster": args.cluster_arn, **args.secrets},
        may=lambda values: [
            *access.read_secrets([values[role] for role in ROLES]),
            *access.use_key(values["key"]),
            *access.read_topics(values["cluster"], args.kafka),
            # Replays of dead letters go to the topic that they came from.
            *access.write_topics(values["cluster"], [args.kafka.orders_topic]),
        ],
    )
