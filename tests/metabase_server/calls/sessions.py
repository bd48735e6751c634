"""Set-up and log-in."""

import hashlib
import hmac
import os
import re
import secrets
from typing import Any

from tests.metabase_server.calling import Answer, Call, Refused
from tests.metabase_server.store import next_id

_COMMON = {"password1", "passw0rd", "metabase1", "metasample123", "qwerty12", "letmein1", "admin123"}
_SHORTEST = 8


def properties(call: Call) -> Answer:
    has_user = bool(call.state["users"])
    return Answer(
        {
            "setup-token": None if has_user else call.state["setup_token"],
            "has-user-setup": has_user,
            "version": {"tag": call.options.version, "date": "2026-01-01", "hash": "0000000"},
            "site-name": call.state["settings"].get("site_name"),
            "site-locale": call.state["settings"].get("site_locale", "en"),
        }
    )


def setup(call: Call) -> Answer:
    """Make the first user; `database` and whatever else is in the body is ignored."""
    user, prefs = call.body.get("user") or {}, call.body.get("prefs") or {}
    if call.state["users"]:
        raise Refused(403, "The set-up has been done: a user exists.")
    if call.body.get("token") != call.state["setup_token"]:
        raise Refused(400, {"errors": {"token": "Token does not match the setup token."}})
    if not prefs.get("site_name"):
        raise Refused(400, {"errors": {"prefs": {"site_name": "value must be a non-blank string."}}})
    if not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", str(user.get("email"))):
        raise Refused(400, {"errors": {"user": {"email": "value must be a valid email address."}}})
    if _is_weak(str(user.get("password") or "")):
        raise Refused(400, {"errors": {"user": {"password": "password is too common."}}})
    made: dict[str, Any] = {name: user.get(name) for name in ("email", "first_name", "last_name")}
    made |= {"id": next_id(call.state), "is_superuser": True, "password": _hashed(user["password"])}
    call.state["users"][str(made["id"])] = made
    call.state["settings"] |= {name: prefs[name] for name in ("site_name", "site_locale") if name in prefs}
    return Answer({"id": _session(call, made["id"])})


def log_in(call: Call) -> Answer:
    call.required("username", "password")
    username = str(call.body["username"]).lower()
    for user in call.state["users"].values():
        if user["email"].lower() == username and _matches(call.body["password"], user["password"]):
            return Answer({"id": _session(call, user["id"])})
    raise Refused(401, {"errors": {"password": "did not match stored password"}})


def throttled(username: str) -> Answer:
    """Return the answer to somebody who guessed too often, whatever the password is now."""
    why = "Too many attempts! You must wait 15 seconds before trying again."
    return Answer({"errors": {"username": why}}, 401)


def _session(call: Call, user_id: int) -> str:
    session = secrets.token_hex(16)
    call.state["sessions"][session] = user_id
    return session


def _is_weak(password: str) -> bool:
    has_digit = any(map(str.isdigit, password))
    return len(password) < _SHORTEST or password.lower() in _COMMON or not has_digit


def _hashed(password: str, salt: str = "") -> dict[str, Any]:
    salt = salt or os.urandom(16).hex()
    key = hashlib.scrypt(password.encode(), salt=salt.encode(), n=1024, r=8, p=1)
    return {"salt": salt, "hash": key.hex()}


def _matches(password: str, stored: dict[str, Any]) -> bool:
    return hmac.compare_digest(_hashed(password, stored["salt"])["hash"], stored["hash"])
