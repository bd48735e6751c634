"""The dashboards' page: a web server on 127.0.0.1 that reads the warehouse as `bi_readonly`."""

import http.client
import sys

from environments.embedded.home import REPOSITORY
from environments.embedded.ports import HOST
from environments.embedded.service import Service
from infra.platform import DashboardsEndpoint, Env

NAME = "dashboards"
_COMMAND = (sys.executable, "-m", "dashboards.page")
_TIMEOUT_S = 2.0


def endpoint(port: int) -> DashboardsEndpoint:
    """Return where the page is."""
    return DashboardsEndpoint(url=f"http://{HOST}:{port}")


def service(env: Env, port: int, after: tuple[str, ...] = ()) -> Service:
    """Return the page's server; it says by itself, on the page, when the database is away."""
    return Service(
        name=NAME,
        command=_COMMAND,
        env=env,
        ready=lambda: _answers(port),
        after=after,
        folder=REPOSITORY,
        stop_timeout_s=5,
        address=f"http://{HOST}:{port}",
    )


def _answers(port: int) -> bool:
    # Not urllib, which would ask a proxy for it where one is set.
    connection = http.client.HTTPConnection(HOST, port, timeout=_TIMEOUT_S)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
