"""HTTP to Metabase: reads are tried again while it is away, writes are sent once and never again."""

from collections.abc import Mapping
from typing import Any

import httpx
from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_exponential_jitter

from dashboards.metabase.errors import MetabaseError, MetabaseRefused

_TIMEOUT_S = 30.0
_QUERY_TIMEOUT_S = 120.0
_AWAY = (httpx.codes.BAD_GATEWAY, httpx.codes.SERVICE_UNAVAILABLE, httpx.codes.GATEWAY_TIMEOUT)
_LONGEST_REASON = 300


class MetabaseHttp:
    """One Metabase; every method may raise MetabaseError."""

    def __init__(self, url: str, patience_s: float = 30.0) -> None:
        """Prepare a client; nothing is sent yet."""
        self.url = url
        self._patience_s = patience_s
        # Proxies are for the internet; Metabase is on this machine or in this network.
        try:
            self._client = httpx.Client(base_url=url, timeout=_TIMEOUT_S, trust_env=False)
        except httpx.InvalidURL as error:
            raise MetabaseError(f"{url} is not an address: {error}") from None

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def use_session(self, session: str) -> None:
        """Send this session with every call from now on."""
        self._client.headers["X-Metabase-Session"] = session

    def raw_get(self, path: str) -> httpx.Response:
        """Return whatever is answered, once; raises httpx.TransportError."""
        return self._client.get(path)

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> Any:
        """Return what a read answers; tried again as long as the patience lasts."""
        attempts = Retrying(
            retry=retry_if_exception(_is_passing),
            wait=wait_exponential_jitter(multiplier=0.2, max=3),
            stop=stop_after_delay(self._patience_s),
            reraise=True,
        )
        try:
            return attempts(self._get_once, path, params)
        except httpx.TransportError as error:
            raise MetabaseError(f"Metabase at {self.url} is not available: {cause(error)}") from None

    def query(self, card_id: int) -> dict[str, Any]:
        """Run a card, which changes nothing, and return the answer; its `status` says whether it worked."""
        answer = self._once("POST", f"/api/card/{card_id}/query", None, _QUERY_TIMEOUT_S)
        return dict(answer)

    def write(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Send a write once: after a lost answer only somebody who looks first may send it again."""
        return self._once(method, path, body, _TIMEOUT_S)

    def _once(self, method: str, path: str, body: Mapping[str, Any] | None, timeout_s: float) -> Any:
        try:
            answer = self._client.request(method, path, json=body, timeout=timeout_s)
        except httpx.TransportError as error:
            raise MetabaseError(
                f"Metabase at {self.url} gave no answer to {method} {path} ({cause(error)}): whether it was"
                " carried out is not known; run the command again, it looks before it writes"
            ) from None
        return self._read(answer)

    def _get_once(self, path: str, params: Mapping[str, Any] | None) -> Any:
        answer = self._client.get(path, params=params)
        if answer.status_code in _AWAY:
            raise _Away(f"HTTP {answer.status_code}")
        return self._read(answer)

    def _read(self, answer: httpx.Response) -> Any:
        what = f"{answer.request.method} {answer.request.url.path}"
        if not answer.is_success:
            raise MetabaseRefused(
                f"Metabase at {self.url} refuses {what} with {answer.status_code}: {reason(answer)}",
                answer.status_code,
            )
        try:
            return answer.json()
        except ValueError:
            kind = answer.headers.get("Content-Type", "nothing")
            raise MetabaseError(f"{self.url} is not a Metabase: {what} answered {kind}, not JSON") from None


class _Away(httpx.TransportError):
    """A proxy or a Metabase that starts answered instead."""


def _is_passing(error: BaseException) -> bool:
    return isinstance(error, httpx.TransportError)


def cause(error: httpx.TransportError) -> str:
    """Return what happened on the wire, in one line."""
    return " ".join(str(error).split()) or type(error).__name__


def reason(answer: httpx.Response) -> str:
    """Return what a refusal says, in one line: a text, a `message`, or `errors` by field."""
    try:
        body = answer.json()
    except ValueError:
        body = answer.text
    if isinstance(body, dict):
        body = body.get("message") or "; ".join(_fields(body.get("errors") or body))
    return " ".join(str(body).split())[:_LONGEST_REASON] or "without a reason"


def _fields(errors: Any, path: str = "") -> list[str]:
    if not isinstance(errors, dict):
        return [f"{path}: {errors}"]
    return [line for name, each in errors.items() for line in _fields(each, f"{path}.{name}".lstrip("."))]
