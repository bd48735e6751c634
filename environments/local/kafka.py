"""Kafka as a container of the official image: broker and controller in one, in KRaft mode."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_docker as docker

from environments.local.config import Limit
from environments.local.container import HOST as THIS_MACHINE
from environments.local.container import ContainerSpec, container
from environments.local.volumes import volume
from infra import server_settings
from infra.config import KafkaConfig
from infra.platform import KafkaEndpoint

HOST = "kafka"
# One listener for containers and one for this machine, because a broker tells its clients where to go next.
INSIDE, PUBLISHED, _CONTROLLER = 19092, 9092, 9093
_USER = "1000"  # of the official image
_DATA = "/var/lib/kafka/data"


@dataclass(frozen=True)
class KafkaArgs:
    """The broker's image, place and size."""

    image: pulumi.Input[str]
    network: docker.Network
    config: KafkaConfig
    limit: Limit
    cluster_id: pulumi.Input[str]
    protect: bool

    def __post_init__(self) -> None:
        """Refuse a broker that the kernel would kill."""
        if self.config.heap_mb >= self.limit.memory_mb:
            raise ValueError(f"heap_mb = {self.config.heap_mb}: not below memory_mb = {self.limit.memory_mb}")


class Kafka(pulumi.ComponentResource):
    """A volume and the broker on it."""

    def __init__(self, name: str, args: KafkaArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ecom:local:Kafka", name, {}, opts)
        self.volume = volume(f"{name}-data", self, protect=args.protect)
        spec = ContainerSpec(
            host=HOST,
            image=args.image,
            network=args.network,
            limit=args.limit,
            user=_USER,
            env={**_variables(args.config), "CLUSTER_ID": args.cluster_id},
            volumes={_DATA: self.volume},
            ports={PUBLISHED: args.config.port},
            # The image's shell scripts start a JVM for each question; that it listens is enough, because who
            # needs more than that asks the broker itself and waits.
            health=["CMD", "bash", "-c", f"exec 3<>/dev/tcp/{THIS_MACHINE}/{PUBLISHED}"],
            stop_timeout_s=60,
        )
        self.container = container(f"{name}-broker", spec, pulumi.ResourceOptions(parent=self))
        self.register_outputs({"host": HOST, "port": args.config.port})


def _variables(config: KafkaConfig) -> Mapping[str, str]:
    properties = {
        **server_settings.single_broker(config),
        "node.id": "1",
        "controller.quorum.voters": f"1@localhost:{_CONTROLLER}",
        "listeners": f"INSIDE://:{INSIDE},PUBLISHED://:{PUBLISHED},CONTROLLER://localhost:{_CONTROLLER}",
        "advertised.listeners": f"INSIDE://{HOST}:{INSIDE},PUBLISHED://{THIS_MACHINE}:{config.port}",
        "listener.security.protocol.map": "INSIDE:PLAINTEXT,PUBLISHED:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "inter.broker.listener.name": "INSIDE",
        "log.dirs": _DATA,
    }
    variables = {f"KAFKA_{name.upper().replace('.', '_')}": value for name, value in properties.items()}
    return variables | {"KAFKA_HEAP_OPTS": f"-Xmx{config.heap_mb}m -Xms{config.heap_mb // 2}m"}


def endpoint(config: KafkaConfig, bootstrap_servers: str = f"{HOST}:{INSIDE}") -> KafkaEndpoint:
    """Return the endpoint as containers see it, or this machine; `orders_cleaned` only if configured."""
    cleaned = "orders_cleaned" if config.cleaned_topic else ""
    return KafkaEndpoint(
        bootstrap_servers=bootstrap_servers, orders_topic=config.orders_topic, cleaned_topic=cleaned
    )
