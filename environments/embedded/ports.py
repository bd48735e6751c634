"""TCP ports on 127.0.0.1: the wished one where it is free, else one that is."""

import secrets
import socket
from collections.abc import Collection, Mapping

from environments.embedded.errors import EnvironmentFailed

HOST = "127.0.0.1"
# Below the range that operating systems hand out to outgoing connections, so that a restarted service finds
# its port free.
_FALLBACK = range(20_000, 30_000)
_ATTEMPTS = 200


def is_free(port: int) -> bool:
    """Say whether a service could listen on this port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    # macOS lets us bind beside a listener on all addresses; a connection tells.
    return not answers(port)


def answers(port: int) -> bool:
    """Say whether something accepts connections on this port."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((HOST, port)) == 0


def choose(wished: Mapping[str, int], kept: Mapping[str, int]) -> dict[str, int]:
    """Return a free port per service: the one of the last run, else the wished one, else any.

    `wished` names every service that needs a port; `kept` holds the last run's choices.
    """
    chosen: dict[str, int] = {}
    for service, wish in wished.items():
        candidates = (kept.get(service, wish), wish)
        usable = [port for port in candidates if port not in chosen.values() and is_free(port)]
        chosen[service] = usable[0] if usable else any_free(chosen.values())
    return chosen


def any_free(taken: Collection[int] = ()) -> int:
    """Return some free port that is not among `taken`."""
    for _ in range(_ATTEMPTS):
        port = _FALLBACK.start + secrets.randbelow(len(_FALLBACK))
        if port not in taken and is_free(port):
            return port
    raise EnvironmentFailed(f"no free port on {HOST} between {_FALLBACK.start} and {_FALLBACK.stop}")
