"""Fargate: the cluster, and tasks of our image. Setup, dashboards and operator run when somebody starts them.

Setup migrates the warehouse and makes the roles, dashboards fills Metabase; both may be repeated; operator is
the command `ecom`.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_aws.cloudwatch as cloudwatch
import pulumi_aws.ecs as ecs

from environments.aws import access
from environments.aws.place import REGION_VARIABLE, Place
from environments.aws.policies import NO_NARROWER, Statement, allow
from environments.aws.role import Role, RoleArgs

SERVICE = "ecs-tasks.amazonaws.com"


@dataclass(frozen=True)
class TasksArgs:
    """Where, with which key, and how long logs are kept."""

    place: Place
    key_arn: pulumi.Input[str]
    log_days: int


@dataclass(frozen=True, kw_only=True)
class TaskArgs:
    """One kind of task. `may` is what its own role is allowed, of what `inputs` turn out to be.

    `secrets` are put into variables by Fargate itself, for programs that can't ask Secrets Manager.
    """

    image: pulumi.Input[str]
    repository_arn: pulumi.Input[str] | None
    command: Sequence[str] = ()
    cpu: int = 512
    memory_mb: int = 1024
    env: pulumi.Input[Mapping[str, str]]
    secrets: Mapping[str, pulumi.Input[str]]
    inputs: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    may: Callable[[Mapping[str, str]], Sequence[Statement]] | None = None
    port: int = 0
    read_only: bool = True

    def __post_init__(self) -> None:
        """Refuse sizes that Fargate has not."""
        if not 2 * self.cpu <= self.memory_mb <= 8 * self.cpu:
            raise ValueError(
                f"memory_mb = {self.memory_mb}: Fargate has 2 to 8 MB a CPU unit, cpu = {self.cpu}"
            )


class Tasks(pulumi.ComponentResource):
    """`cluster`, `log_group`, and `task()` to make one of each kind."""

    def __init__(self, name: str, args: TasksArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ecom:aws:Tasks", name, {}, opts)
        self._name, self._args = name, args
        self._inner = pulumi.ResourceOptions(parent=self)
        self.log_group = cloudwatch.LogGroup(
            f"{name}-log", retention_in_days=args.log_days, kms_key_id=args.key_arn, opts=self._inner
        )
        self.cluster = ecs.Cluster(
            name,
            name=name,
            settings=[ecs.ClusterSettingArgs(name="containerInsights", value="enabled")],
            opts=self._inner,
        )
        self.register_outputs({"cluster": self.cluster.arn})

    def task(self, label: str, args: TaskArgs) -> ecs.TaskDefinition:
        """Make a task definition with its roles: Fargate's, which starts it, and its own, if need be."""
        name, place = f"{self._name}-{label}", self._args.place
        own = Role(name, RoleArgs(place, [SERVICE], args.inputs, args.may), self._inner) if args.may else None
        starter = self._starter(f"{name}-start", args)
        container = pulumi.Output.all(
            image=args.image,
            env=args.env,
            secrets=dict(args.secrets),
            group=self.log_group.name,
        ).apply(lambda known: _container(label, args, known, place.region))
        return ecs.TaskDefinition(
            name,
            family=name,
            requires_compatibilities=["FARGATE"],
            network_mode="awsvpc",
            cpu=str(args.cpu),
            memory=str(args.memory_mb),
            task_role_arn=own.arn if own else None,
            execution_role_arn=starter.arn,
            container_definitions=container.apply(lambda one: json.dumps([one], sort_keys=True)),
            volumes=[ecs.TaskDefinitionVolumeArgs(name="tmp")] if args.read_only else None,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[own, starter] if own else [starter]),
        )

    def _starter(self, name: str, args: TaskArgs) -> Role:
        inputs = {"logs": self.log_group.arn, "key": self._args.key_arn, **args.secrets}
        if args.repository_arn is not None:
            inputs["repository"] = args.repository_arn
        names = list(args.secrets)

        def may(values: Mapping[str, str]) -> list[Statement]:
            statements = [allow(["logs:CreateLogStream", "logs:PutLogEvents"], [f"{values['logs']}:*"])]
            if "repository" in values:
                statements += _pull(values["repository"])
            if names:
                statements += access.read_secrets([values[key] for key in names])
            return [*statements, allow(["kms:Decrypt"], [values["key"]])]

        return Role(name, RoleArgs(self._args.place, [SERVICE], inputs, may), self._inner)


def _pull(repository_arn: str) -> list[Statement]:
    return [
        allow(["ecr:GetAuthorizationToken"], ["*"], sid=NO_NARROWER),
        allow(
            ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:BatchCheckLayerAvailability"],
            [repository_arn],
        ),
    ]


def _container(label: str, args: TaskArgs, known: Mapping[str, object], region: str) -> dict[str, object]:
    env, secrets = known["env"], known["secrets"]
    assert isinstance(env, dict) and isinstance(secrets, dict)  # noqa: S101, PT018 - for the type checker
    env = {**env, REGION_VARIABLE: region}
    made: dict[str, object] = {
        "name": label,
        "image": known["image"],
        "essential": True,
        "environment": [{"name": key, "value": value} for key, value in sorted(env.items())],
        "secrets": [{"name": key, "valueFrom": arn} for key, arn in sorted(secrets.items())],
        "readonlyRootFilesystem": args.read_only,
        "linuxParameters": {"initProcessEnabled": True},
        "logConfiguration": {
            "logDriver": "awslogs",
            "options": {
                "awslogs-group": known["group"],
                "awslogs-region": region,
                "awslogs-stream-prefix": label,
            },
        },
    }
    if args.read_only:
        made["mountPoints"] = [{"sourceVolume": "tmp", "containerPath": "/tmp"}]  # noqa: S108 - in the container
    if args.command:
        made["command"] = list(args.command)
    if args.port:
        made["portMappings"] = [{"containerPort": args.port, "protocol": "tcp"}]
    return made
