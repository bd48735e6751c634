"""The dashboards' page as a container of our image: it reads the warehouse as `bi_readonly`."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_docker as docker

from environments.local.config import Limit
from environments.local.container import HOST as THIS_MACHINE
from environments.local.container import ContainerSpec, SecretFile, answers, container, inner
from environments.local.images import USER
from infra.config import DashboardsConfig
from infra.platform import DashboardsEndpoint

PAGE = "dashboards"


@dataclass(frozen=True)
class DashboardsArgs:
    """The page's image and size; `env` is the platform, `password` that of `bi_readonly`."""

    code: pulumi.Input[str]
    network: docker.Network
    config: DashboardsConfig
    limit: Limit
    env: Mapping[str, str]
    password: SecretFile


class Dashboards(pulumi.ComponentResource):
    """The page; it says by itself when the database is away."""

    def __init__(self, name: str, args: DashboardsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ecom:local:Dashboards", name, {}, opts)
        self.page = container(f"{name}-page", _page(args), inner(self, opts))
        self.register_outputs({"url": endpoint(args.config).url})


def _page(args: DashboardsArgs) -> ContainerSpec:
    port = args.config.port
    return ContainerSpec(
        host=PAGE,
        image=args.code,
        network=args.network,
        limit=args.limit,
        user=USER,
        command=["python", "-m", "dashboards.page", "--bind", "0.0.0.0"],  # noqa: S104 - the stack's own bridge
        env=args.env,
        secrets=[args.password],
        # The same number inside: a browser's address is all that the page is told of itself.
        ports={port: port},
        health=answers(THIS_MACHINE, port, "/health", " 200 "),
        stop_timeout_s=10,
    )


def endpoint(config: DashboardsConfig) -> DashboardsEndpoint:
    """Return where people look at the page, which is the same wherever they are told."""
    return DashboardsEndpoint(url=f"http://{THIS_MACHINE}:{config.port}")
