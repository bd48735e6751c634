"""The one network of a stack, on which containers find each other by name."""

from dataclasses import dataclass

import pulumi
import pulumi_docker as docker


@dataclass(frozen=True)
class NetworkArgs:
    """Nothing is configurable yet: a bridge of the stack's own."""


class Network(pulumi.ComponentResource):
    """A bridge network; `network` is what containers join."""

    def __init__(self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ecom:local:Network", name, {}, opts)
        self.network = docker.Network(
            f"{name}-bridge", name=name, driver="bridge", opts=pulumi.ResourceOptions(parent=self)
        )
        self.register_outputs({"name": self.network.name})
