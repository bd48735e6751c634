"""The stack's present passwords for a server whose data are of another time, while it is stopped."""

import base64
import hashlib
import hmac
import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass

from cli.stack.containers import named, run_docker
from cli.stack.errors import StackError
from cli.stack.program import Pulumi

# Data are encrypted with the first two; the third lies in Metabase's own database, and is changed there.
KEPT = ("airflow_fernet_key", "metabase_key", "metabase_admin")
_ROUNDS = 4096  # PostgreSQL's own number
_DATABASE = "_database"
_ROLES = ("ingest", "etl", "bi_readonly")
_SINGLE_USER = 'exec postgres --single -D "$PGDATA" postgres'


@dataclass(frozen=True)
class Server:
    """What PostgreSQL's container is made of, enough to make another on the same data."""

    image: str
    user: str
    volume: str
    path: str


def server(pulumi: Pulumi) -> Server:
    """Return it as the engine tells it."""
    done = run_docker("container", "inspect", named(pulumi).get("postgres", ""))
    if done.returncode:
        raise StackError("the stack has no PostgreSQL container; bring it up first")
    (told,) = json.loads(done.stdout)
    (mount,) = [one for one in told["Mounts"] if one["Type"] == "volume" and one["Name"].endswith("-data")]
    return Server(told["Image"], told["Config"]["User"], mount["Name"], mount["Destination"])


def set_passwords(server: Server, secrets: Mapping[str, str], admin: str) -> None:
    """Give each role that is there the stack's password; in single-user mode, which asks for none."""
    words = ["docker", "run", "--rm", "--interactive", "--network", "none", "--user", server.user]
    words += ["--entrypoint", "sh", "--volume", f"{server.volume}:{server.path}"]
    words += [server.image, "-c", _SINGLE_USER]
    said = "".join(statement(role, secrets[name]) for name, role in _roles(secrets, admin).items())
    done = subprocess.run(words, input=said, check=False, capture_output=True, text=True)
    # It goes on after a statement that failed, and ends well.
    wrong = [line for line in done.stderr.splitlines() if "ERROR" in line or "FATAL" in line]
    if done.returncode or wrong:
        raise StackError(f"the passwords could not be set: {' '.join(wrong) or done.stderr.strip()}")


def _roles(secrets: Mapping[str, str], admin: str) -> dict[str, str]:
    """Return the roles that log in, by the names of their secrets."""
    databases = {name: name.removesuffix(_DATABASE) for name in secrets if name.endswith(_DATABASE)}
    return {"admin": admin} | {name: name for name in _ROLES if name in secrets} | databases


def statement(role: str, password: str) -> str:
    """Return one line of SQL that holds what the server keeps of a password, and not the password."""
    change = f"ALTER ROLE {role} PASSWORD '{verifier(password, os.urandom(16))}'"
    there = f"IF EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}')"
    return f"DO $do$ BEGIN {there} THEN {change}; END IF; END $do$\n"


def verifier(password: str, salt: bytes) -> str:
    """Return SCRAM-SHA-256's, by RFC 5803; ours are letters and digits, so there is nothing to normalise."""
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, _ROUNDS)
    client = hmac.digest(salted, b"Client Key", "sha256")
    keys = (hashlib.sha256(client).digest(), hmac.digest(salted, b"Server Key", "sha256"))
    stored, kept = (base64.b64encode(key).decode() for key in keys)
    return f"SCRAM-SHA-256${_ROUNDS}:{base64.b64encode(salt).decode()}${stored}:{kept}"
