"""New secrets in the place of old ones: Pulumi makes them, the server learns its own, `up` does the rest."""

import json
from collections.abc import Sequence
from contextlib import closing
from typing import Any

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import encrypt_password

from cli.stack.containers import named, run_docker
from cli.stack.errors import StackError
from cli.stack.outputs import outputs
from cli.stack.program import Pulumi

_GENERATED = ("random:index/randomPassword:RandomPassword", "random:index/randomBytes:RandomBytes")
# Data are encrypted with the first two; the third lies in Metabase's own database, and is changed there.
KEPT = ("airflow_fernet_key", "metabase_key", "metabase_admin")
_ADMIN = "admin"


def rotate(pulumi: Pulumi) -> list[str]:
    """Make all secrets anew but those in KEPT, and return their names; what runs is not told yet.

    Safe to repeat after it was interrupted: until `up` the admin's old password is in the server's container.
    """
    found = _urns(pulumi)
    for urn in found.values():
        pulumi.ask("state", "unprotect", urn, "--yes")
    words = [word for urn in found.values() for word in ("--target-replace", urn)]
    if pulumi.run("up", *words, "--yes", "--skip-preview", "--suppress-outputs"):
        raise StackError("the secrets could not be made anew; nothing that runs was touched")
    _tell_server(pulumi)
    return list(found)


def _urns(pulumi: Pulumi) -> dict[str, str]:
    secrets = outputs(pulumi, secrets=True)["secrets"]
    urns = [one["urn"] for one in _resources(pulumi) if one["type"] in _GENERATED]
    named_urns = {name: urn for name in secrets for urn in urns if urn.endswith(f"-passwords-{name}")}
    return {name: urn for name, urn in named_urns.items() if name not in KEPT}


def _resources(pulumi: Pulumi, *words: str) -> Sequence[dict[str, Any]]:
    deployment = pulumi.json("stack", "export", *words).get("deployment") or {}
    return list(deployment.get("resources") or ())


def _tell_server(pulumi: Pulumi) -> None:
    """Set the admin's new password by means of the old one, which is still in the server's container."""
    done = run_docker("exec", named(pulumi)["postgres"], "cat", f"/run/secrets/{_ADMIN}")
    if done.returncode:
        raise StackError(f"the server's present password can't be read: {' '.join(done.stderr.split())}")
    env = outputs(pulumi)["env"]
    place = {name: env[f"ECOM_POSTGRES_{name}"] for name in ("HOST", "PORT", "ADMIN_USER")}
    connection = psycopg2.connect(
        host=place["HOST"],
        port=place["PORT"],
        user=place["ADMIN_USER"],
        dbname="postgres",
        password=done.stdout,
    )
    with closing(connection), connection.cursor() as cursor:
        # The verifier is computed here, so that no statement or server log ever holds the password.
        verifier = encrypt_password(_admin(pulumi), place["ADMIN_USER"], connection, "scram-sha-256")
        role = sql.Identifier(place["ADMIN_USER"])
        cursor.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(role, sql.Literal(verifier)))
        connection.commit()


def _admin(pulumi: Pulumi) -> str:
    for one in _resources(pulumi, "--show-secrets"):
        if one["type"] in _GENERATED and one["urn"].endswith(f"-passwords-{_ADMIN}"):
            return str(json.loads(one["outputs"]["result"]["plaintext"]))
    raise StackError("there is no password of the admin's in the stack's state")
