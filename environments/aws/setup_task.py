"""Two tasks that somebody starts after an update: migrate the warehouse, fill Metabase; repeatable."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi

from environments.aws import access
from environments.aws.setup import METABASE_PASSWORD
from environments.aws.tasks import TaskArgs, Tasks

_ROLES = ("ingest", "etl", "bi_readonly", "metabase_database")


@dataclass(frozen=True)
class SetupArgs:
    """The image, the platform's variables, and the secrets that the two tasks may read."""

    tasks: Tasks
    image: pulumi.Input[str]
    repository_arn: pulumi.Input[str]
    env: pulumi.Input[Mapping[str, str]]
    admin_secret: pulumi.Input[str]
    secrets: Mapping[str, pulumi.Input[str]]
    key_arn: pulumi.Input[str]

    def __post_init__(self) -> None:
        """Refuse a setup that would leave somebody without a password."""
        missing = sorted({*_ROLES, "metabase_admin"} - set(self.secrets))
        if missing:
            raise ValueError(f"secrets: lacks {', '.join(missing)}")


class Setup(pulumi.ComponentResource):
    """`migrate` and `dashboards`: task definitions, for `python -m environments.aws.run_task`."""

    def __init__(self, name: str, args: SetupArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ecom:aws:Setup", name, {}, opts)
        self.migrate = args.tasks.task("setup", _migrate(args))
        self.dashboards = args.tasks.task("provision", _provision(args))
        self.register_outputs({"migrate": self.migrate.arn, "dashboards": self.dashboards.arn})


def _migrate(args: SetupArgs) -> TaskArgs:
    secrets = {"admin": args.admin_secret, **{name: args.secrets[name] for name in _ROLES}}
    return _task(args, ["python", "-m", "environments.aws.setup"], secrets)


def _provision(args: SetupArgs) -> TaskArgs:
    secrets = {name: args.secrets[name] for name in ("metabase_admin", "bi_readonly")}
    return _task(args, ["python", "-m", "dashboards.metabase"], secrets)


def _task(args: SetupArgs, command: list[str], secrets: Mapping[str, pulumi.Input[str]]) -> TaskArgs:
    metabase = args.secrets["metabase_database"]
    env = pulumi.Output.all(env=args.env, metabase=metabase).apply(
        lambda known: {**known["env"], METABASE_PASSWORD: known["metabase"]}
    )
    return TaskArgs(
        image=args.image,
        repository_arn=args.repository_arn,
        command=command,
        env=env,
        secrets={},
        inputs={"key": args.key_arn, **secrets},
        may=lambda values: [
            *access.read_secrets([values[name] for name in secrets]),
            *access.use_key(values["key"]),
        ],
    )
