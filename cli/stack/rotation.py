"""New secrets in the place of old ones: Pulumi makes them, the server learns its own, `up` does the rest."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import encrypt_password

from cli.stack.containers import named, run_docker
from cli.stack.errors import StackError
from cli.stack.outputs import outputs
from cli.stack.passwords import KEPT
from cli.stack.program import Pulumi
from cli.stack.state import PASSWORD, passwords, resources
from cli.stack.unfinished import RESTORE, ROTATION

_GENERATED = (PASSWORD, "random:index/randomBytes:RandomBytes")
_ADMIN = "admin"


def rotate(pulumi: Pulumi) -> list[str]:
    """Make all secrets anew but those in KEPT, and return their names; what runs is not told yet.

    Safe to repeat after an interruption: the password that opens the server is always in its container or in
    the state. If only the state's does, an earlier rotation came as far as the server, and `up` finishes it.
    """
    RESTORE.refuse(pulumi.place)
    found = _found(pulumi)
    present, wanted = _in_container(pulumi), _in_state(pulumi)
    if (connection := _open(pulumi, present)) is not None:
        with closing(connection):
            _make_anew(pulumi, found)
            _tell_server(pulumi, connection)
    elif (connection := _open(pulumi, wanted)) is not None:
        connection.close()
    else:
        raise StackError(
            "neither the password in PostgreSQL's container nor the one in the state opens the server, and"
            " nothing was changed; `backup` and then `restore` set the state's (docs/local.md)"
        )
    ROTATION.end(pulumi.place)
    return list(found)


def _make_anew(pulumi: Pulumi, found: dict[str, dict[str, Any]]) -> None:
    """Replace the secrets in the state; what is in the way of an update is told before that."""
    if pulumi.run("preview", "--suppress-outputs"):
        raise StackError("an update would fail, so the secrets stay as they are")
    words = [word for one in found.values() for word in ("--target-replace", one["urn"])]
    ROTATION.begin(pulumi.place)
    with _unprotected(pulumi, [one["urn"] for one in found.values() if one.get("protect")]):
        if pulumi.run("up", *words, "--yes", "--skip-preview", "--suppress-outputs"):
            raise StackError("not all secrets are new, and nothing that runs was touched: rotate again")


@contextmanager
def _unprotected(pulumi: Pulumi, urns: Sequence[str]) -> Iterator[None]:
    try:
        for urn in urns:
            pulumi.ask("state", "unprotect", urn, "--yes")
        yield
    finally:
        # After an update that worked they are already, which does no harm.
        for urn in urns:
            pulumi.ask("state", "protect", urn, "--yes")


def _found(pulumi: Pulumi) -> dict[str, dict[str, Any]]:
    """Return the state's entries of the secrets that are made anew, by name."""
    secrets = outputs(pulumi, secrets=True)["secrets"]
    made = [one for one in resources(pulumi) if one["type"] in _GENERATED]
    by_name = {name: one for name in secrets for one in made if one["urn"].endswith(f"-passwords-{name}")}
    return {name: one for name, one in by_name.items() if name not in KEPT}


def _open(pulumi: Pulumi, password: str) -> Connection | None:
    """Return a connection as the admin, or None if this is not the password."""
    env = outputs(pulumi)["env"]
    place = {name: env[f"ECOM_POSTGRES_{name}"] for name in ("HOST", "PORT", "ADMIN_USER")}
    try:
        return psycopg2.connect(
            host=place["HOST"],
            port=place["PORT"],
            user=place["ADMIN_USER"],
            dbname="postgres",
            password=password,
        )
    except psycopg2.OperationalError as error:
        if "password authentication failed" in str(error):
            return None
        raise StackError(
            f"PostgreSQL can't be asked, and nothing was changed: {' '.join(str(error).split())}"
        ) from None


def _tell_server(pulumi: Pulumi, connection: Connection) -> None:
    """Set the admin's new password over a connection that was opened with the old one."""
    user = outputs(pulumi)["env"]["ECOM_POSTGRES_ADMIN_USER"]
    with connection.cursor() as cursor:
        # The verifier is computed here, so that no statement or server log ever holds the password.
        verifier = encrypt_password(_in_state(pulumi), user, connection, "scram-sha-256")
        role = sql.Identifier(user)
        cursor.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(role, sql.Literal(verifier)))
        connection.commit()


def _in_container(pulumi: Pulumi) -> str:
    """Return the admin's password as the server's container got it."""
    name = named(pulumi).get("postgres", "")
    done = run_docker("exec", name, "cat", f"/run/secrets/{_ADMIN}")
    if done.returncode:
        why = " ".join(done.stderr.split())
        raise StackError(
            f"PostgreSQL's container can't be asked, and nothing was changed ({why}): `docker start {name}`,"
            f" or `ecom --stack {pulumi.place.name} up` if it is gone"
        )
    return done.stdout


def _in_state(pulumi: Pulumi) -> str:
    if (found := passwords(pulumi).get(_ADMIN)) is None:
        raise StackError("there is no password of the admin's in the stack's state")
    return found
