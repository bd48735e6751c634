"""HTTP to Airflow: log in with the admin's password, retry while the server starts, one line per failure."""

from collections.abc import Generator
from typing import Any

import httpx
from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_exponential_jitter

from pipeline.settings import AirflowSettings

_TIMEOUT_S = 30.0
_STARTING = (httpx.codes.BAD_GATEWAY, httpx.codes.SERVICE_UNAVAILABLE, httpx.codes.GATEWAY_TIMEOUT)


class AirflowUnavailable(ConnectionError):
    """Airflow did not answer within the retries; the message is one line."""


class AirflowRefused(RuntimeError):
    """Airflow said no; the message is one line with its reason."""

    def __init__(self, message: str, status: int) -> None:
        """Keep the HTTP status beside the message."""
        super().__init__(message)
        self.status = status


class _Token(httpx.Auth):
    """Logs in before the first request, and again when the token has run out."""

    requires_response_body = True

    def __init__(self, settings: AirflowSettings) -> None:
        self._settings = settings
        self._token = ""

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        if not self._token:
            yield from self._log_in()
        request.headers["Authorization"] = f"Bearer {self._token}"
        if (yield request).status_code == httpx.codes.UNAUTHORIZED:
            yield from self._log_in()
            request.headers["Authorization"] = f"Bearer {self._token}"
            yield request

    def _log_in(self) -> Generator[httpx.Request, httpx.Response, None]:
        # Resolved at each login and kept nowhere: the file may have changed meanwhile.
        credentials = {"username": self._settings.admin_user, "password": self._settings.admin_password()}
        answer = yield httpx.Request("POST", f"{self._settings.url}/auth/token", json=credentials)
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            who = f"{self._settings.admin_user!r} (password from {self._settings.admin_password_ref})"
            raise AirflowRefused(f"Airflow at {self._settings.url} refuses to log in {who}", 401)
        answer.raise_for_status()
        self._token = str(answer.json()["access_token"])


class AirflowHttp:
    """Sends requests below `/api/v2`; each may be sent twice, so that it must be safe to repeat."""

    def __init__(self, settings: AirflowSettings, patience_s: float) -> None:
        """Prepare a client that waits at most `patience_s` for a server that is away."""
        self._url = settings.url
        self._patience_s = patience_s
        # Proxies are for the internet; Airflow is on this machine or in this network.
        self._client = httpx.Client(
            base_url=f"{settings.url}/api/v2", auth=_Token(settings), timeout=_TIMEOUT_S, trust_env=False
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def request(self, method: str, path: str, **options: Any) -> Any:
        """Return the answer's JSON; raise AirflowUnavailable or AirflowRefused."""
        attempts = Retrying(
            retry=retry_if_exception(_is_passing),
            wait=wait_exponential_jitter(multiplier=0.2, max=3),
            stop=stop_after_delay(self._patience_s),
            reraise=True,
        )
        try:
            return attempts(self._once, method, path, **options)
        except httpx.HTTPStatusError as error:
            raise self._said_no(method, path, error.response) from None
        except httpx.TransportError as error:
            cause = " ".join(str(error).split()) or type(error).__name__
            raise AirflowUnavailable(f"Airflow at {self._url} is not available: {cause}") from None

    def _once(self, method: str, path: str, **options: Any) -> Any:
        answer = self._client.request(method, path, **options)
        answer.raise_for_status()
        return answer.json()

    def _said_no(self, method: str, path: str, answer: httpx.Response) -> Exception:
        if answer.status_code in _STARTING:
            return AirflowUnavailable(f"Airflow at {self._url} is not available: HTTP {answer.status_code}")
        reason = " ".join(_detail(answer).split())[:500]
        return AirflowRefused(
            f"Airflow at {self._url} refuses {method} {path}: HTTP {answer.status_code}, {reason}",
            answer.status_code,
        )


def _is_passing(error: BaseException) -> bool:
    if isinstance(error, httpx.HTTPStatusError):
        return error.response.status_code in _STARTING
    return isinstance(error, httpx.TransportError)


def _detail(answer: httpx.Response) -> str:
    try:
        found = answer.json()
    except ValueError:
        return answer.text
    return str(found.get("detail", found)) if isinstance(found, dict) else str(found)
