"""What the preflight asks the Docker Engine, over its HTTP API; the `docker` command need not be there."""

import http.client
import json
import os
import socket
from collections.abc import Mapping
from contextlib import closing
from typing import Any
from urllib.parse import quote, urlsplit

DEFAULT_HOST = "unix:///var/run/docker.sock"
_TIMEOUT_S = 30.0
# A pull may still work: it goes by a login that the question does not.
_CANNOT_TELL = (http.client.UNAUTHORIZED, http.client.FORBIDDEN, http.client.TOO_MANY_REQUESTS)
# Older engines say the same with another status.
_CANNOT_TELL_WORDS = ("unauthorized", "denied", "authentication required", "no basic auth", "toomanyrequests")


class EngineUnavailable(RuntimeError):
    """No engine answers; the message is one line that says where it was looked for."""


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=_TIMEOUT_S)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Engine:
    """An engine at a `unix://` or plain `tcp://` address."""

    def __init__(self, host: str) -> None:
        """Take the address; nothing is asked yet."""
        self.host = host

    @property
    def is_here(self) -> bool:
        """Whether it runs on this machine, so that its ports are ours."""
        return self.host.startswith("unix://")

    @property
    def can_be_asked(self) -> bool:
        """Whether we speak what the address wants; Pulumi's plugin knows ssh and certificates as well."""
        scheme = urlsplit(self.host).scheme
        return scheme == "unix" or (scheme == "tcp" and not os.environ.get("DOCKER_TLS_VERIFY"))

    def ask(self, path: str) -> tuple[int, Any]:
        """Return status and body of a GET; raise EngineUnavailable if there is no answer."""
        try:
            with closing(self._connection()) as connection:
                connection.request("GET", path)
                answer = connection.getresponse()
                return answer.status, json.loads(answer.read() or b"null")
        except PermissionError:
            raise EngineUnavailable(
                f"the Docker Engine at {self.host} lets this user in only as a member of the group `docker`"
            ) from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise EngineUnavailable(
                f"no Docker Engine answers at {self.host} ({error}): start Docker, or say where it is"
                " with DOCKER_HOST"
            ) from None

    def _connection(self) -> http.client.HTTPConnection:
        parts = urlsplit(self.host)
        if parts.scheme == "unix":
            return _UnixConnection(parts.path)
        return http.client.HTTPConnection(parts.hostname or "", parts.port or 2375, timeout=_TIMEOUT_S)

    def has_image(self, reference: str) -> bool:
        """Say whether the image is on the engine."""
        return self.ask(f"/images/{quote(reference, safe='')}/json")[0] == http.client.OK

    def why_not_in_registry(self, reference: str) -> str:
        """Return what the image's registry, asked by the engine, says against it.

        Empty if the image is there, and if the registry wants a login or more patience before it tells.
        """
        status, body = self.ask(f"/distribution/{quote(reference, safe='')}/json")
        said = " ".join(str((body or {}).get("message", status)).split())
        unsure = status in _CANNOT_TELL or any(word in said.lower() for word in _CANNOT_TELL_WORDS)
        return "" if status == http.client.OK or unsure else said


def engine_host(values: Mapping[str, str], environ: Mapping[str, str] = os.environ) -> str:
    """Return the engine's address as Pulumi's plugin finds it: stack config, DOCKER_HOST, the usual place."""
    return values.get("docker:host") or environ.get("DOCKER_HOST") or DEFAULT_HOST
