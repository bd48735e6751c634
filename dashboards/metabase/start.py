"""From an address to a session: wait until Metabase is up, look at its version, set it up or log in."""

import re
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import httpx

from dashboards.metabase.errors import MetabaseError, MetabaseRefused
from dashboards.metabase.http import MetabaseHttp, cause
from pipeline.settings import MetabaseSettings

Say = Callable[[str], None]
OLDEST, SKIPPED = 58, 59
SITE_NAME = "E-commerce orders"
# A wrong address should not be waited for as long as a Metabase that migrates its database.
_NOBODY_THERE_S = 30.0
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.1, 5.0


def wait_until_up(http: MetabaseHttp, wait_s: float, say: Say) -> None:
    """Ask for its health until it is well; raise MetabaseError if it is not within `wait_s`.

    Where nobody ever said that it starts it is given up sooner.
    """
    started, pause_s, pause = time.monotonic(), _FIRST_PAUSE_S, threading.Event()
    patience_s = min(wait_s, _NOBODY_THERE_S)
    while (state := _health(http)) != "ok":
        if state.startswith("starting"):
            patience_s = wait_s
        if time.monotonic() - started > patience_s:
            raise MetabaseError(f"Metabase at {http.url} is not up after {patience_s:.0f} s: {state}")
        say(f"waiting for Metabase at {http.url}: {state}")
        pause.wait(pause_s)
        pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)


def _health(http: MetabaseHttp) -> str:
    try:
        answer = http.raw_get("/api/health")
    except httpx.TransportError as error:
        return _no_such_name(http.url, error) or cause(error)
    body = _json(answer)
    if answer.is_success and body.get("status") == "ok":
        return "ok"
    if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE and "status" in body:
        return f"starting, {float(body.get('progress') or 0):.0%} done"
    if answer.status_code in (httpx.codes.BAD_GATEWAY, httpx.codes.SERVICE_UNAVAILABLE):
        return f"HTTP {answer.status_code}"
    to = f" to {answer.headers['Location']}" if "Location" in answer.headers else ""
    raise MetabaseError(f"{http.url} is not a Metabase: GET /api/health answered {answer.status_code}{to}")


def _no_such_name(url: str, error: BaseException | None) -> str:
    """Return that the address's name does not resolve, if that is what it comes from; empty otherwise."""
    while error is not None and not isinstance(error, socket.gaierror):
        error = error.__cause__ or error.__context__
    return f"its name {httpx.URL(url).host} does not resolve: has it a DNS record?" if error else ""


def _json(answer: httpx.Response) -> dict[str, Any]:
    try:
        body = answer.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def read_properties(http: MetabaseHttp) -> dict[str, Any]:
    """Return what Metabase says of itself; raise MetabaseError for a version we do not support."""
    properties = dict(http.get("/api/session/properties"))
    tag = str((properties.get("version") or {}).get("tag"))
    found = re.match(r"v?\d+\.(\d+)", tag)
    if not found or int(found[1]) < OLDEST or int(found[1]) == SKIPPED:
        raise MetabaseError(
            f"Metabase at {http.url} is {tag}: supported are v{OLDEST} and later, except v{SKIPPED}"
        )
    return properties


def set_up(http: MetabaseHttp, settings: MetabaseSettings, token: str) -> None:
    """Make the first user, who is an administrator, and go on as that one."""
    user = {
        "email": settings.admin_email,
        "password": settings.admin_password(),
        "first_name": "Dashboards",
        "last_name": "Administrator",
    }
    prefs = {"site_name": SITE_NAME, "site_locale": "en"}
    try:
        answer = http.write("POST", "/api/setup", {"token": token, "user": user, "prefs": prefs})
    except MetabaseRefused as error:
        raise MetabaseError(f"{error} (password from {settings.admin_password_ref})") from None
    http.use_session(str(answer["id"]))


def log_in(http: MetabaseHttp, settings: MetabaseSettings) -> None:
    """Log in as the administrator of the settings; raise MetabaseError if that is refused."""
    credentials = {"username": settings.admin_email, "password": settings.admin_password()}
    try:
        answer = http.write("POST", "/api/session", credentials)
    except MetabaseRefused as error:
        who = f"{settings.admin_email!r} (password from {settings.admin_password_ref})"
        raise MetabaseError(f"{error}: logging in {who}") from None
    http.use_session(str(answer["id"]))
