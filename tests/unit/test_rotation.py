"""`ecom secrets rotate`, interrupted anywhere: the admin is never locked out, and a repeat works."""

import json
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import psycopg2
import pytest

from cli.stack import rotation
from cli.stack.errors import StackError
from cli.stack.place import Place
from cli.stack.unfinished import ROTATION
from tests.unit.sample_platform import sample_platform

URN = "urn:pulumi:t::ecom::random:index/randomPassword:RandomPassword::ecom-t-passwords-"
NAMES = ("admin", "etl", "metabase_admin")


class Interrupted(BaseException):
    """A kill, as far as the code under test is concerned."""


class Stack:
    """Pulumi's state, the server's container and the server: three places that hold the admin's password."""

    def __init__(self, folder: Path) -> None:
        self.place = Place("t", folder)
        self.state = dict.fromkeys(NAMES, "old")
        self.protected = dict.fromkeys(NAMES, True)
        self.container = self.server = "old"
        self.running, self.preview, self.made = True, 0, 0
        self.dies_after = ""
        self.up_code = 0

    def ask(self, *words: str) -> str:
        assert words[0] == "state"
        self.protected[words[2].removeprefix(URN)] = words[1] == "protect"
        return ""

    def run(self, *words: str) -> int:
        if words[0] == "preview":
            return self.preview
        self.made += 1
        for urn in (words[at + 1] for at, word in enumerate(words) if word == "--target-replace"):
            assert not self.protected[urn.removeprefix(URN)]
            self.state[urn.removeprefix(URN)] = f"new{self.made}"
        self.maybe_die("state")
        return self.up_code

    def json(self, *words: str) -> Any:
        if words[1] == "output":
            return {"env": sample_platform().as_env(), "secrets": self.state}
        told = [self.entry(name) for name in NAMES]
        return {"deployment": {"resources": told}}

    def entry(self, name: str) -> dict[str, Any]:
        result = {"plaintext": json.dumps(self.state[name])}
        kind = "random:index/randomPassword:RandomPassword"
        found = {"urn": URN + name, "type": kind, "protect": self.protected[name]}
        return found | {"outputs": {"result": result}}

    def maybe_die(self, where: str) -> None:
        if self.dies_after == where:
            self.dies_after = ""
            raise Interrupted

    def docker(self, *words: str) -> CompletedProcess[str]:
        code = 0 if self.running else 1
        return CompletedProcess(words, code, self.container, "" if self.running else "is not running")

    def connect(self, password: str, **_: object) -> "Connection":
        if not self.running:
            raise psycopg2.OperationalError("connection refused")
        if password != self.server:
            raise psycopg2.OperationalError('password authentication failed for user "ecom_admin"')
        return Connection(self)

    def up(self) -> None:
        """Hand the state's secrets to the containers, as `ecom up` does after a rotation."""
        self.container = self.state["admin"]


class Connection:
    def __init__(self, stack: Stack) -> None:
        self.stack = stack

    def close(self) -> None:
        pass

    def cursor(self) -> "Connection":
        return self

    def __enter__(self) -> "Connection":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def execute(self, statement: Any) -> None:
        self.said = statement.seq[3].wrapped

    def commit(self) -> None:
        self.stack.server = self.said
        self.stack.maybe_die("server")


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stack:
    made = Stack(tmp_path)
    monkeypatch.setattr(rotation, "run_docker", made.docker)
    monkeypatch.setattr(rotation, "named", lambda pulumi: {"postgres": "ecom-t-postgres-server"})
    monkeypatch.setattr(psycopg2, "connect", made.connect)
    monkeypatch.setattr(rotation, "encrypt_password", lambda password, *_: password)
    return made


def rotate(stack: Stack) -> list[str]:
    return rotation.rotate(stack)  # type: ignore[arg-type]


def all_agree(stack: Stack) -> bool:
    stack.up()
    return stack.server == stack.container == stack.state["admin"] != "old"


def test_all_but_those_that_are_kept_are_new_and_protected_again(stack):
    assert rotate(stack) == ["admin", "etl"]
    assert stack.state["metabase_admin"] == "old"
    assert all(stack.protected.values())
    assert not ROTATION.noted(stack.place)
    assert all_agree(stack)


@pytest.mark.parametrize("moment", ["state", "server"])
def test_a_repeat_after_an_interruption_finishes_it(moment, stack):
    stack.dies_after = moment
    with pytest.raises(Interrupted):
        rotate(stack)
    assert all(stack.protected.values())
    assert ROTATION.noted(stack.place)
    assert rotate(stack) == ["admin", "etl"]
    assert not ROTATION.noted(stack.place)
    assert all_agree(stack)


def test_two_interruptions_in_a_row(stack):
    for moment in ("server", "state", "state"):
        stack.dies_after = moment
        try:
            rotate(stack)
        except Interrupted:
            continue
    rotate(stack)
    assert all_agree(stack)


def test_a_server_that_does_not_run_stops_it_before_anything_is_new(stack):
    stack.running = False
    with pytest.raises(StackError, match=r"nothing was changed \(is not running\): `docker start"):
        rotate(stack)
    assert set(stack.state.values()) == {"old"}


def test_a_password_that_nobody_knows_stops_it_before_anything_is_new(stack):
    stack.server = "another"
    with pytest.raises(StackError, match="neither the password in PostgreSQL's container nor"):
        rotate(stack)
    assert set(stack.state.values()) == {"old"}
    assert all(stack.protected.values())


def test_what_is_in_the_way_of_an_update_is_told_before_anything_is_unprotected(stack):
    stack.preview = 255
    stack.ask = lambda *words: pytest.fail(f"{words}")
    with pytest.raises(StackError, match="the secrets stay as they are"):
        rotate(stack)
    assert not ROTATION.noted(stack.place)


def test_a_failed_update_leaves_the_secrets_protected(stack):
    stack.up_code = 255
    with pytest.raises(StackError, match="not all secrets are new"):
        rotate(stack)
    assert all(stack.protected.values())


def test_what_was_not_protected_stays_so(stack):
    stack.protected["etl"] = stack.protected["admin"] = False
    rotate(stack)
    assert not stack.protected["etl"]
