"""Metabase as a container of the official image, on a database of its own, with our dashboards in it."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_docker as docker

from environments.local import postgres
from environments.local.config import Limits
from environments.local.config import Metabase as MetabaseConfig
from environments.local.container import HOST as THIS_MACHINE
from environments.local.container import SECRETS, ContainerSpec, SecretFile, container, inner, reference, step
from environments.local.images import USER
from infra.platform import MetabaseEndpoint

HOST, PORT = "metabase", 3000
DATABASE = "metabase"  # and the role that owns it
# Names of secrets' files.
KEY, PASSWORD, ADMIN_PASSWORD = "metabase_key", "metabase_database", "metabase_admin"
# Nobody: the image has no user of its own before it starts as root, and a secret's file needs an owner.
_USER = "65534"
# Its start script takes a file for the database's password, and none for the key.
_START = f'export MB_ENCRYPTION_SECRET_KEY="$(cat {SECRETS}/{KEY})"; exec /app/run_metabase.sh'
# Minutes on a small machine, the first time.
_START_S = 600


@dataclass(frozen=True)
class MetabaseArgs:
    """Images and sizes; `secrets` are Metabase's own, `env` and `admin_secrets` are for what fills it."""

    image: pulumi.Input[str]
    tools: pulumi.Input[str]
    network: docker.Network
    config: MetabaseConfig
    limits: Limits
    env: Mapping[str, str]
    secrets: list[SecretFile]
    admin_secrets: list[SecretFile]

    def __post_init__(self) -> None:
        """Refuse a Metabase that would keep its connections' passwords unencrypted, or has no database."""
        missing = {KEY, PASSWORD} - {secret.name for secret in self.secrets}
        if missing:
            raise ValueError(f"secrets lacks {', '.join(sorted(missing))}")


class Metabase(pulumi.ComponentResource):
    """The server, and `ecom dashboards apply`, which runs once for each image of ours."""

    def __init__(self, name: str, args: MetabaseArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ecom:local:Metabase", name, {}, opts)
        self.server = container(f"{name}-server", _server(args), inner(self, opts))
        self.provision = step(f"{name}-provision", _provision(args), inner(self, opts, self.server))
        self.register_outputs({"url": endpoint(args.config, here=True).url})


def _server(args: MetabaseArgs) -> ContainerSpec:
    return ContainerSpec(
        host=HOST,
        image=args.image,
        network=args.network,
        limit=args.limits.of("metabase"),
        user=_USER,
        entrypoint=["/bin/sh", "-c", _START],
        env={
            "MB_DB_TYPE": "postgres",
            "MB_DB_HOST": postgres.HOST,
            "MB_DB_PORT": str(postgres.PORT),
            "MB_DB_DBNAME": DATABASE,
            "MB_DB_USER": DATABASE,
            "MB_DB_PASS_FILE": f"{SECRETS}/{PASSWORD}",
            "MB_JETTY_HOST": "0.0.0.0",  # noqa: S104 - the stack's own bridge
            "MB_SITE_URL": f"http://{THIS_MACHINE}:{args.config.port}",
            "MB_LOAD_SAMPLE_CONTENT": "false",
            "MB_ANON_TRACKING_ENABLED": "false",
            "MB_CHECK_FOR_UPDATES": "false",
            "JAVA_TIMEZONE": "UTC",
            "JAVA_OPTS": "-XX:MaxRAMPercentage=60",
        },
        secrets=args.secrets,
        ports={PORT: args.config.port},
        health=["CMD", "curl", "-fsS", "-o", "/dev/null", f"http://{THIS_MACHINE}:{PORT}/api/health"],
        wait_s=_START_S,
    )


def _provision(args: MetabaseArgs) -> ContainerSpec:
    return ContainerSpec(
        host="metabase-provision",
        image=args.tools,
        network=args.network,
        limit=args.limits.of("setup"),
        user=USER,
        command=["python", "-m", "cli", "dashboards", "apply"],
        env=args.env,
        secrets=args.admin_secrets,
    )


def endpoint(config: MetabaseConfig, *, here: bool = False) -> MetabaseEndpoint:
    """Return the endpoint as containers see it, or this machine; empty if there is to be none."""
    if not config.enabled:
        return MetabaseEndpoint()
    return MetabaseEndpoint(
        url=f"http://{THIS_MACHINE}:{config.port}" if here else f"http://{HOST}:{PORT}",
        admin_email=config.admin_email,
        admin_password=reference(ADMIN_PASSWORD),
        # As Metabase sees it, whoever asks.
        postgres_host=postgres.HOST,
        postgres_port=postgres.PORT,
    )
