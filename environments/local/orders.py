"""Orders for a stack that should have some: past ones loaded once, live ones by a producer; both optional."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_docker as docker

from environments.local.config import Limits, Producer, Seed
from environments.local.container import ContainerSpec, SecretFile, container, inner, is_fresh, step
from environments.local.images import USER

# The producer waits for a broker that is away, and Docker starts it again when it gives up.
_GIVE_UP_S = 600
_ALIVE, _ALIVE_MINUTES = "/tmp/producer.alive", 2  # noqa: S108 - the container's own, with one process in it


@dataclass(frozen=True)
class OrdersArgs:
    """How many of each; `env` is the platform, `secrets` are those that loading needs."""

    code: pulumi.Input[str]
    tools: pulumi.Input[str]
    network: docker.Network
    seed: Seed
    producer: Producer
    limits: Limits
    env: Mapping[str, str]
    secrets: list[SecretFile]


class Orders(pulumi.ComponentResource):
    """The seed, then the producer."""

    def __init__(self, name: str, args: OrdersArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ecom:local:Orders", name, {}, opts)
        after: list[pulumi.Output[pulumi.Resource]] = []
        if args.seed.orders:
            after = [step(f"{name}-seed", _seed(args), inner(self, opts))]
        if args.producer.rate:
            container(f"{name}-producer", _producer(args), inner(self, opts, *after))
        self.register_outputs({})


def _seed(args: OrdersArgs) -> ContainerSpec:
    return ContainerSpec(
        host="seed",
        image=args.tools,
        network=args.network,
        limit=args.limits.of("setup"),
        user=USER,
        # It runs again with each new image; what somebody loaded in the meantime is fine.
        command=["python", "-m", "cli", "seed", "--orders", str(args.seed.orders), "--if-empty"],
        env=args.env,
        secrets=args.secrets,
    )


def _producer(args: OrdersArgs) -> ContainerSpec:
    options = {
        "--rate": str(args.producer.rate),
        "--give-up-after": str(_GIVE_UP_S),
        "--heartbeat": _ALIVE,
    }
    words = [word for option in options.items() for word in option]
    return ContainerSpec(
        host="producer",
        image=args.code,
        network=args.network,
        limit=args.limits.of("producer"),
        user=USER,
        command=["python", "-m", "producer", *words, "--no-progress"],
        env=args.env,
        health=is_fresh(_ALIVE, _ALIVE_MINUTES),
        read_only=True,
        stop_timeout_s=20,
    )
