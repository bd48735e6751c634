"""What all containers have in common: limits, health, log rotation, no capabilities, secrets as files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_docker as docker

from environments.local.config import Limit

HOST = "127.0.0.1"
SECRETS = "/run/secrets"
_SCRATCH = {"/tmp": "rw,nosuid,nodev,size=64m,mode=1777"}  # noqa: S108 - a container's own


@dataclass(frozen=True)
class SecretFile:
    """A secret that a container finds in /run/secrets; there it shows in no `docker inspect`."""

    name: str
    content: pulumi.Input[str]
    # For a program that opens its file for writing, even if it changes nothing.
    writable: bool = False


@dataclass(frozen=True, kw_only=True)
class ContainerSpec:
    """What differs between containers.

    `host` is the name on the network. Without `health` it is a step: it runs once, to its end.
    `ports` are published on 127.0.0.1, by the container's own port; `volumes` go by their place inside.
    With `read_only` it writes to volumes and to a /tmp in memory, which counts against its limit.
    """

    host: str
    image: pulumi.Input[str]
    network: docker.Network
    limit: Limit
    user: str
    entrypoint: Sequence[str] = ()
    command: Sequence[str] = ()
    env: Mapping[str, pulumi.Input[str]] | None = None
    secrets: Sequence[SecretFile] = ()
    files: Mapping[str, str] | None = None
    volumes: Mapping[str, docker.Volume] | None = None
    ports: Mapping[int, int] | None = None
    health: Sequence[str] = ()
    stop_timeout_s: int = 30
    shared_memory_mb: int = 64
    # The provider's default is too short for a cold start on a laptop.
    wait_s: int = 300
    read_only: bool = False

    def __post_init__(self) -> None:
        """Refuse what Docker would only refuse in the middle of an update."""
        if self.limit.memory_mb < 64:
            raise ValueError(f"{self.host}: memory_mb = {self.limit.memory_mb}: at least 64")
        names = [secret.name for secret in self.secrets]
        if len(set(names)) != len(names):
            raise ValueError(f"{self.host}: a secret is named twice: {', '.join(names)}")
        if not self.health and self.ports:
            raise ValueError(f"{self.host}: runs once, and so has no ports")
        if self.read_only and (self.secrets or self.files):
            raise ValueError(f"{self.host}: is read-only, and so nothing can be uploaded to it")


def container(name: str, spec: ContainerSpec, opts: pulumi.ResourceOptions) -> docker.Container:
    """Make a container of a component."""
    once = not spec.health
    return docker.Container(
        name,
        name=name,
        hostname=spec.host,
        image=spec.image,
        entrypoints=list(spec.entrypoint) or None,
        command=list(spec.command) or None,
        user=spec.user,
        envs=[pulumi.Output.concat(key, "=", value) for key, value in sorted((spec.env or {}).items())],
        uploads=[*_secret_uploads(spec), *_file_uploads(spec)],
        networks_advanced=[docker.ContainerNetworksAdvancedArgs(name=spec.network.name, aliases=[spec.host])],
        # Said outright, or every update would find that it differs from what Docker made of it.
        network_mode="bridge",
        ports=[
            docker.ContainerPortArgs(internal=inside, external=outside, ip=HOST)
            for inside, outside in sorted((spec.ports or {}).items())
        ],
        volumes=[
            docker.ContainerVolumeArgs(volume_name=volume.name, container_path=path)
            for path, volume in sorted((spec.volumes or {}).items())
        ],
        memory=spec.limit.memory_mb,
        # The same as memory: no swap, which would only hide that it is too little.
        memory_swap=spec.limit.memory_mb,
        cpus=spec.limit.cpus,
        shm_size=spec.shared_memory_mb,
        read_only=spec.read_only,
        tmpfs=_SCRATCH if spec.read_only else None,
        capabilities=docker.ContainerCapabilitiesArgs(drops=["ALL"]),
        security_opts=["no-new-privileges:true"],
        log_driver="json-file",
        log_opts={"max-size": "10m", "max-file": "3"},
        healthcheck=_healthcheck(spec) if spec.health else None,
        restart="no" if once else "unless-stopped",
        must_run=not once,
        attach=once,
        logs=once,
        wait=not once,
        wait_timeout=spec.wait_s,
        stop_timeout=spec.stop_timeout_s,
        destroy_grace_seconds=spec.stop_timeout_s,
        opts=pulumi.ResourceOptions.merge(
            opts,
            pulumi.ResourceOptions(
                delete_before_replace=True,
                additional_secret_outputs=["uploads"],
                custom_timeouts=pulumi.CustomTimeouts(create="15m"),
            ),
        ),
    )


def step(name: str, spec: ContainerSpec, opts: pulumi.ResourceOptions) -> pulumi.Output[pulumi.Resource]:
    """Make a container that runs once; what depends on it is made only if its exit code is 0.

    The provider takes any end for a success, so that the exit code has to be looked at here.
    """
    made = container(name, spec, opts)
    return pulumi.Output.all(made.exit_code, made.container_logs, made.urn).apply(
        lambda ended: _succeeded(made, name, *ended)
    )


def inner(
    parent: pulumi.Resource,
    opts: pulumi.ResourceOptions | None,
    *after: pulumi.Resource | pulumi.Output[pulumi.Resource],
) -> pulumi.ResourceOptions:
    """Return options of a component's child: after what the component itself comes after, and `after`.

    Without the first a child would be made late enough, but not be gone early enough at a destroy.
    """
    given = opts.depends_on if opts else None
    before = given if isinstance(given, list) else []
    return pulumi.ResourceOptions(parent=parent, depends_on=[*before, *after])


def _succeeded(
    made: docker.Container, name: str, code: int | None, logs: str | None, urn: str
) -> pulumi.Resource:
    # A preview has to work all the same: it is how somebody finds out what running the step again would do.
    if code and not pulumi.runtime.is_dry_run():
        again = f"`ecom --stack {pulumi.get_stack()} up`, or `pulumi up --replace '{urn}'`, runs it again"
        raise pulumi.RunError(f"{name} ended with exit code {code}; {again}:\n{(logs or '')[-2000:]}")
    return made


def _healthcheck(spec: ContainerSpec) -> docker.ContainerHealthcheckArgs:
    return docker.ContainerHealthcheckArgs(
        # Written as Docker tells it, or every update would find a difference.
        tests=list(spec.health),
        interval="5s",
        timeout="10s",
        retries=6,
        start_period=f"{spec.wait_s // 60}m0s",
    )


def answers(host: str, port: int, path: str, holds: str) -> list[str]:
    """Return a check that asks a web server and looks for a text in its answer, headers among it.

    By bash alone: an interpreter every few seconds in each of many containers takes a share of a core.
    """
    request = f"GET {path} HTTP/1.0\\r\\nHost: {host}\\r\\n\\r\\n"
    ask = f"exec 3<>/dev/tcp/{host}/{port} && printf '{request}' >&3"
    return ["CMD", "bash", "-c", f"{ask} && grep -qF '{holds}' <&3"]


def is_fresh(file: str, minutes: int) -> list[str]:
    """Return a check of a file that a process without a port touches while it gets on."""
    return ["CMD", "sh", "-c", f"find {file} -mmin -{minutes} | grep -q ."]


def _secret_uploads(spec: ContainerSpec) -> list[docker.ContainerUploadArgs]:
    return [
        docker.ContainerUploadArgs(
            file=f"{SECRETS}/{secret.name}",
            content=pulumi.Output.secret(secret.content),
            permissions="0600" if secret.writable else "0400",
            owner=spec.user,
            group=spec.user,
        )
        for secret in spec.secrets
    ]


def _file_uploads(spec: ContainerSpec) -> list[docker.ContainerUploadArgs]:
    return [
        docker.ContainerUploadArgs(file=path, content=content, permissions="0444")
        for path, content in sorted((spec.files or {}).items())
    ]


def reference(name: str) -> str:
    """Return what `as_env()` carries instead of a secret."""
    return f"file:{SECRETS}/{name}"
