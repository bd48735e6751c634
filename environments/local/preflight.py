"""What would stop an update half-way, found before it begins: each with the key that mends it."""

import errno
import socket
from collections.abc import Iterator

from environments.local.config import LocalConfig
from environments.local.container import HOST
from environments.local.engine import Engine, EngineUnavailable
from infra.config import ConfigError
from infra.stack_config import PROJECT, flat

OLDEST = (20, 10)
# A judgement: more than twice what all but Metabase takes at rest, and less than the limits together.
_LEAST_MB = 6_000
# The stack's containers that publish a port, without the stack's name; a test compares them.
PUBLISHING = (
    "postgres-server",
    "kafka-broker",
    "airflow-api",
    "spark-master",
    "dashboards-page",
    "metabase-server",
)
_MB = 1024 * 1024


def check(config: LocalConfig, name: str, engine: Engine) -> None:
    """Raise ConfigError with a line for each thing that is in the way of the stack `name`."""
    if not engine.can_be_asked:
        return
    try:
        _check_version(engine)
        problems = [*_sizes(config, engine), *_ports(config, name, engine), *_images(config, engine)]
    except EngineUnavailable as error:
        raise ConfigError(str(error)) from None
    if problems:
        raise ConfigError("\n".join(problems))


def _check_version(engine: Engine) -> None:
    _, body = engine.ask("/version")
    version = str(body.get("Version", ""))
    if _numbers(version) < OLDEST:
        oldest = ".".join(str(number) for number in OLDEST)
        raise ConfigError(f"the Docker Engine at {engine.host} is {version}: {oldest} or newer is needed")


def _numbers(version: str) -> tuple[int, ...]:
    first, _, rest = version.partition(".")
    second = rest.partition(".")[0]
    # A version that is no number, as of a build of one's own, is taken for new.
    return (int(first), int(second)) if first.isdigit() and second.isdigit() else OLDEST


def _sizes(config: LocalConfig, engine: Engine) -> Iterator[str]:
    _, info = engine.ask("/info")
    memory, cores = int(info["MemTotal"]) // _MB, int(info["NCPU"])
    if memory < _LEAST_MB:
        yield f"the Docker Engine has {memory} MB of memory: {_LEAST_MB} MB are needed"
    for key, given in config.memory.model_dump().items():
        if given > memory:
            yield f"{PROJECT}:{flat('memory', key)} = {given}: the Docker Engine has {memory} MB in all"
    for key, given in config.cpus.model_dump().items():
        if float(given) > cores:
            yield f"{PROJECT}:{flat('cpu', key)} = {given}: the Docker Engine has {cores} cores"


def _ports(config: LocalConfig, name: str, engine: Engine) -> Iterator[str]:
    if not engine.is_here:
        return
    taken = {key: port for key, port in config.ports.items() if not _free(port)}
    if not taken:
        return
    holders = _holders(engine)
    for key, port in taken.items():
        holder = holders.get(port, "")
        # By whole names: the stack local-2's begin with those of local.
        if holder not in [f"{name}-{part}" for part in PUBLISHING]:
            who = f"the container {holder}" if holder else "another program"
            yield (
                f"{PROJECT}:{key} = {port}: {who} has this port of {HOST} already; stop it, or take another:"
                f" {_set(name, key, _other(port))}"
            )


def _set(name: str, key: str, value: int) -> str:
    """Return how a key is set: where `ecom` keeps the stack it has its own copy of the configuration."""
    stack = name.removeprefix(f"{PROJECT}-")
    return (
        f"`ecom --stack {stack} up --set {key}={value}`, or with a backend of your own"
        f" `pulumi config set {key} {value}`"
    )


def _other(port: int) -> int:
    return port + 10_000 if port < 50_000 else port - 10_000


def _free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # What a closed connection leaves behind for a minute keeps nobody from listening.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            # A port below 1024 is refused to us, and not to the engine.
            return error.errno != errno.EADDRINUSE
    return True


def _holders(engine: Engine) -> dict[int, str]:
    _, containers = engine.ask("/containers/json")
    return {
        port["PublicPort"]: container["Names"][0].removeprefix("/")
        for container in containers
        for port in container["Ports"]
        if "PublicPort" in port
    }


def _images(config: LocalConfig, engine: Engine) -> Iterator[str]:
    for key, reference in config.images.model_dump().items():
        if key == "metabase" and not config.metabase.enabled:
            continue
        if engine.has_image(reference):
            continue
        if why := engine.why_not_in_registry(reference):
            missing = f"{PROJECT}:{flat('image', key)} = {reference}: it is not on the Docker Engine"
            mend = f"--set {flat('image', key)}=… of `ecom … up` names another"
            yield f"{missing}, and its registry says: {why} ({mend})"
