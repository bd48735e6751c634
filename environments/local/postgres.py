"""PostgreSQL as a container of the official image: the warehouse, and Airflow's metadata beside it."""

from dataclasses import dataclass

import pulumi
import pulumi_docker as docker

from environments.local.config import Limit
from environments.local.container import SECRETS, ContainerSpec, SecretFile, container, reference
from environments.local.volumes import volume
from infra import server_settings
from infra.config import PostgresConfig
from infra.platform import PostgresEndpoint

HOST = "postgres"
PORT = 5432
ADMIN = "ecom_admin"
_USER = "999"  # of the official image
_DATA = "/var/lib/postgresql"
# Said, and not left to the image: one of another major version then finds these files and refuses them. By
# itself it would begin anew, in a folder of its own or, before 18, outside of the volume.
_FILES = f"{_DATA}/18/docker"


@dataclass(frozen=True)
class PostgresArgs:
    """The server's image, place and size; `password` is the admin's."""

    image: pulumi.Input[str]
    network: docker.Network
    config: PostgresConfig
    limit: Limit
    password: SecretFile
    protect: bool

    def __post_init__(self) -> None:
        """Refuse a server that the kernel would kill."""
        if self.config.shared_buffers_mb >= self.limit.memory_mb:
            given, limit = self.config.shared_buffers_mb, self.limit.memory_mb
            raise ValueError(f"shared_buffers_mb = {given}: not below memory_mb = {limit}")


class Postgres(pulumi.ComponentResource):
    """A volume and the server on it."""

    def __init__(self, name: str, args: PostgresArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ecom:local:Postgres", name, {}, opts)
        self.volume = volume(f"{name}-data", self, protect=args.protect)
        self.container = container(
            f"{name}-server", _spec(args, self.volume), pulumi.ResourceOptions(parent=self)
        )
        self.register_outputs({"host": HOST, "port": args.config.port})


def _spec(args: PostgresArgs, data: docker.Volume) -> ContainerSpec:
    ready = f"pg_isready --quiet --host {HOST} --username {ADMIN} --dbname {args.config.database}"
    return ContainerSpec(
        host=HOST,
        image=args.image,
        network=args.network,
        limit=args.limit,
        user=_USER,
        command=[
            "postgres",
            *(
                word
                for item in server_settings.postgres(args.config).items()
                for word in ("-c", "=".join(item))
            ),
        ],
        env={
            "PGDATA": _FILES,
            "POSTGRES_USER": ADMIN,
            "POSTGRES_PASSWORD_FILE": f"{SECRETS}/{args.password.name}",
            "POSTGRES_DB": args.config.database,
            "POSTGRES_INITDB_ARGS": "--auth-host=scram-sha-256 --auth-local=scram-sha-256 --locale=C.UTF-8",
        },
        secrets=[args.password],
        volumes={_DATA: data},
        ports={PORT: args.config.port},
        # By the network's name: while it initialises, the official image's server listens on its socket only.
        health=["CMD-SHELL", ready],
        stop_timeout_s=60,
        # Parallel queries share their hash tables there; Docker's 64 MB are too few for a whole rebuild.
        shared_memory_mb=256,
    )


def endpoint(config: PostgresConfig, host: str = HOST, port: int = PORT) -> PostgresEndpoint:
    """Return the endpoint as containers see it, or, with 127.0.0.1 and the published port, this machine."""
    return PostgresEndpoint(
        host=host,
        port=port,
        database=config.database,
        sslmode="disable",  # the stack's own bridge, and 127.0.0.1
        admin_user=ADMIN,
        admin_password=reference("admin"),
        ingest_password=reference("ingest"),
        etl_password=reference("etl"),
        bi_readonly_password=reference("bi_readonly"),
    )
