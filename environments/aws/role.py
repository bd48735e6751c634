"""A role with what its component may do, and nothing else."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws.iam as iam

from environments.aws.place import Place
from environments.aws.policies import Statement, document, trust


@dataclass(frozen=True)
class RoleArgs:
    """Who takes the role, and `allow`: its statements, of what `inputs` turn out to be."""

    place: Place
    services: Sequence[str]
    inputs: Mapping[str, pulumi.Input[str]]
    allow: Callable[[Mapping[str, str]], Sequence[Statement]]

    def __post_init__(self) -> None:
        """Refuse a role that nobody could take."""
        if not self.services:
            raise ValueError("services: a role that nobody may take")


class Role(pulumi.ComponentResource):
    """The role and its one policy; depend on the component, or something starts before it may."""

    def __init__(self, name: str, args: RoleArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ecom:aws:Role", name, {}, opts)
        inner = pulumi.ResourceOptions(parent=self)
        self.role = iam.Role(name, assume_role_policy=trust(args.services, args.place.account), opts=inner)

        def policy(values: Mapping[str, Any]) -> str:
            return document(args.allow(values))

        self.policy = iam.RolePolicy(
            f"{name}-policy",
            role=self.role.id,
            policy=pulumi.Output.all(**args.inputs).apply(policy),
            opts=inner,
        )
        self.arn = self.role.arn
        self.register_outputs({"arn": self.arn})
