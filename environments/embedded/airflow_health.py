"""Whether Airflow's components are alive, by the answer of the API server's health page."""

import http.client
import json
import time
from datetime import datetime
from typing import Any

from environments.embedded.ports import HOST

_TIMEOUT_S = 2.0


def health(port: int) -> dict[str, dict[str, Any]]:
    """Return each component's health; empty while the API server does not answer."""
    # Not urllib, which would ask a proxy for it where one is set.
    connection = http.client.HTTPConnection(HOST, port, timeout=_TIMEOUT_S)
    try:
        connection.request("GET", "/api/v2/monitor/health")
        answer = connection.getresponse()
        found = json.loads(answer.read()) if answer.status == http.client.OK else {}
    except (OSError, http.client.HTTPException, ValueError):
        return {}
    finally:
        connection.close()
    return found if isinstance(found, dict) else {}


class Heartbeat:
    """The readiness of one component: healthy, and by a heartbeat of the process that runs now.

    Airflow calls a component healthy until its last heartbeat is half a minute old, so that a killed one
    would pass for its successor.
    """

    def __init__(self, port: int, component: str) -> None:
        """Prepare to ask the API server on this port."""
        self._port = port
        self._component = component
        self._since = 0.0

    def started(self) -> None:
        """Remember that a process of the component is about to start."""
        self._since = time.time()

    def ready(self) -> bool:
        """Say whether the component is healthy; False as well while the API server can't tell."""
        found = health(self._port).get(self._component)
        if not isinstance(found, dict) or found.get("status") != "healthy":
            return False
        latest = found.get(f"latest_{self._component}_heartbeat")
        return latest is None or datetime.fromisoformat(latest).timestamp() >= self._since
