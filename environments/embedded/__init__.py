"""The embedded environment: real PostgreSQL, Kafka and Spark as processes of this machine, no Docker.

`running(home)` starts one for the duration of a `with` block; `control` has the finer tools.
"""

from environments.embedded.control import Options, running, start, stop, wipe
from environments.embedded.errors import EnvironmentFailed
from environments.embedded.home import Home, default_home
from environments.embedded.one_service import send, service, wait_ready
from environments.embedded.platform import SERVICES, env_file
from environments.embedded.state import State, load

__all__ = [
    "SERVICES",
    "EnvironmentFailed",
    "Home",
    "Options",
    "State",
    "default_home",
    "env_file",
    "load",
    "running",
    "send",
    "service",
    "start",
    "stop",
    "wait_ready",
    "wipe",
]
