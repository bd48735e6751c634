"""A run that ends at any write, or whose answer is lost, is finished by the next one, with nothing twice."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from dashboards.metabase.errors import MetabaseError
from dashboards.metabase.provision import Provisioner
from pipeline.settings import MetabaseSettings, PostgresSettings
from tests.metabase_server import Dropped, MetabaseServer, Received

ECOM = str(Path(sys.executable).with_name("ecom"))
_NEVER = 10**9


@pytest.mark.faults  # some 60 runs of the provisioner; the three below are the kill of each kind of write
def test_cut_at_every_write_in_turn_before_or_after_it_is_done(provisioner: Provisioner):
    provisioner = few_cards(provisioner)
    with MetabaseServer() as server:
        at(server, provisioner).apply()
        writes = server.writes()
        wanted = shape(server)
    for number in range(1, len(writes) + 1):
        for moment in ("before", "after"):
            with MetabaseServer() as server:
                setattr(server, moment, cut_at(number))
                with pytest.raises(MetabaseError, match="gave no answer to"):
                    at(server, provisioner).apply()
                assert server.writes() == writes[:number]
                setattr(server, moment, cut_at(_NEVER))
                assert at(server, provisioner).apply().failed == ()
                assert shape(server) == wanted, f"cut {moment} {writes[number - 1]}"
                after = server.writes()
                at(server, provisioner).apply()
                assert server.writes() == after


@pytest.mark.parametrize("write", ["POST /api/setup", "POST /api/card", "PUT /api/dashboard"])
def test_a_process_killed_with_9_in_the_middle_of_a_write(
    write: str,
    metabase: MetabaseServer,
    metabase_settings: MetabaseSettings,
    platform_env: dict[str, str],
    provisioner: Provisioner,
    database: PostgresSettings,
    monkeypatch: pytest.MonkeyPatch,
):
    processes: list[subprocess.Popen] = []

    def kill(received: Received, number: int) -> None:
        if f"{received.method} {received.path}".startswith(write):
            processes[0].send_signal(signal.SIGKILL)
            processes[0].wait()

    metabase.after = kill
    own = {
        "ECOM_POSTGRES_DATABASE": database.database,
        "ECOM_METABASE_URL": metabase.url,
        "ECOM_METABASE_ADMIN_EMAIL": metabase_settings.admin_email,
        "ECOM_METABASE_ADMIN_PASSWORD_REF": metabase_settings.admin_password_ref,
    }
    command = [ECOM, "dashboards", "apply"]
    # The server's thread must know whom to kill before the first write comes.
    processes.append(subprocess.Popen(command, env=os.environ | own, stderr=subprocess.PIPE))
    _, err = processes[0].communicate(timeout=60)
    assert processes[0].returncode == -signal.SIGKILL, err.decode()
    metabase.after = cut_at(_NEVER)
    again = subprocess.run(command, env=os.environ | own, capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    assert {one.action for one in provisioner.plan()} == {"unchanged"}


def few_cards(provisioner: Provisioner) -> Provisioner:
    """Leave two cards on the first dashboard and one on the second: each kind of write, in fewer runs."""
    boards = [
        replace(board, places=dict(list(board.places.items())[:count]))
        for board, count in zip(provisioner.wanted.dashboards, (2, 1), strict=True)
    ]
    names = {name for board in boards for name in board.places}
    cards = tuple(card for card in provisioner.wanted.cards if card.name in names)
    return replace(provisioner, wanted=replace(provisioner.wanted, cards=cards, dashboards=tuple(boards)))


def at(server: MetabaseServer, provisioner: Provisioner) -> Provisioner:
    return replace(provisioner, metabase=provisioner.metabase.model_copy(update={"url": server.url}))


def cut_at(number: int):
    def cut(received: Received, count: int) -> None:
        if count == number:
            raise Dropped

    return cut


def shape(server: MetabaseServer) -> list[tuple[str, list[str]]]:
    """Return what there is, by name, whatever the ids are."""
    kinds = ("users", "groups", "databases", "collections", "cards", "dashboards")
    state = server.api._state
    names = [
        (kind, sorted(row.get("name") or row["email"] for row in state[kind].values())) for kind in kinds
    ]
    places = sorted(
        str([one[name] for name in ("row", "col", "size_x", "size_y")])
        for board in state["dashboards"].values()
        for one in board["dashcards"]
    )
    return [*names, ("dashcards", places)]
