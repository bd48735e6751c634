"""Where the stand-in keeps what it was told: one JSON document, in memory or in its own PostgreSQL."""

import copy
import secrets
from contextlib import closing
from typing import Any, Protocol

import psycopg2
from psycopg2.extras import Json

State = dict[str, Any]
_TABLE = "CREATE TABLE IF NOT EXISTS stand_in (id integer PRIMARY KEY, document jsonb NOT NULL)"
_SAVE = "INSERT INTO stand_in VALUES (1, %s) ON CONFLICT (id) DO UPDATE SET document = excluded.document"
ALL_USERS, ADMINISTRATORS = 1, 2


class Store(Protocol):
    """Keeps the document over restarts, or does not."""

    def load(self) -> State: ...

    def save(self, state: State) -> None: ...


class MemoryStore:
    """Forgets with the process, like the default H2 of a container."""

    def __init__(self) -> None:
        self._state = new_state()

    def load(self) -> State:
        return copy.deepcopy(self._state)

    def save(self, state: State) -> None:
        self._state = copy.deepcopy(state)


class PostgresStore:
    """Survives a restart: a table with one row in the database that MB_DB_* name."""

    def __init__(self, **connection: Any) -> None:
        self._connection = connection

    def load(self) -> State:
        with closing(self._connect()) as connection, connection, connection.cursor() as cursor:
            cursor.execute(_TABLE)
            cursor.execute("SELECT document FROM stand_in")
            found = cursor.fetchone()
        if found:
            return State(found[0])
        state = new_state()
        self.save(state)  # or each restart before the set-up would make another token
        return state

    def save(self, state: State) -> None:
        with closing(self._connect()) as connection, connection, connection.cursor() as cursor:
            cursor.execute(_SAVE, (Json(state),))

    def _connect(self) -> Any:
        return psycopg2.connect(**self._connection, connect_timeout=5, application_name="metabase-stand-in")


def new_state() -> State:
    """Return what a Metabase holds that nobody has set up: two groups and nothing else."""
    return {
        "last_id": ADMINISTRATORS,
        "setup_token": secrets.token_hex(16),
        "settings": {},
        "users": {},
        "sessions": {},
        "groups": {
            str(ALL_USERS): {"id": ALL_USERS, "name": "All Users"},
            str(ADMINISTRATORS): {"id": ADMINISTRATORS, "name": "Administrators"},
        },
        "databases": {},
        "collections": {},
        "cards": {},
        "dashboards": {},
        "collection_graph": {"revision": 0, "groups": {str(ALL_USERS): {"root": "write"}}},
        "data_graph": {"revision": 0, "groups": {}},
    }


def next_id(state: State) -> int:
    """Return an id that nothing has had."""
    state["last_id"] += 1
    return int(state["last_id"])
