"""Does what the plan says, difference by difference; a run that ends half-way can be run again."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from dashboards.metabase.access import Changes, collection_changes, data_changes
from dashboards.metabase.actual import Actual, Graph, Row, read_graph
from dashboards.metabase.bodies import card_body, dashcards, with_ids
from dashboards.metabase.differences import Difference, database_settings
from dashboards.metabase.errors import MetabaseError, MetabaseRefused
from dashboards.metabase.http import MetabaseHttp
from dashboards.metabase.matching import Matched
from dashboards.metabase.wanted import COLLECTION, COLLECTION_DESCRIPTION, GROUP, Wanted

_CONFLICT = 409
_TRIES = 3
_SYNC_LIMIT_S = 300.0
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.05, 3.0


class Writer:
    """Writes differences in the plan's order: later ones need the ids of earlier ones."""

    def __init__(
        self, http: MetabaseHttp, wanted: Wanted, actual: Actual, password: Callable[[], str]
    ) -> None:
        """Start from what is there; `password` is asked for only when it has to be sent."""
        self._http = http
        self._wanted = wanted
        self._actual = actual
        self._password = password
        matched = Matched(wanted, actual)
        self._card_ids = matched.card_ids()
        self._dashboards = matched.dashboards
        self._cards = {card.name: card for card in wanted.cards}
        self._wanted_dashboards = {one.name: one for one in wanted.dashboards}

    def write(self, difference: Difference) -> None:
        """Create or update one thing."""
        name = difference.name
        steps: dict[str, Callable[[], None]] = {
            "database": self._database,
            "sync": self._sync,
            "group": self._group,
            "data access": lambda: self._graph(
                "permissions", lambda graph: data_changes(replace(self._actual, data_graph=graph))
            ),
            "collection": self._collection,
            "access": lambda: self._graph(
                "collection", lambda graph: collection_changes(replace(self._actual, collection_graph=graph))
            ),
            "card": lambda: self._card(name),
            "dashboard": lambda: self._dashboard(name),
        }
        steps[difference.kind]()

    def _database(self) -> None:
        # A masked password can't be merged by us, and PUT tests the connection with what it is sent.
        details = self._wanted.details | {"password": self._password()}
        body = database_settings(self._wanted) | {"engine": "postgres", "details": details}
        row = self._write("database", self._actual.database, body)
        ids = tuple({*self._actual.database_ids, row["id"]})
        self._actual = replace(self._actual, database=row, database_ids=ids)

    def _sync(self) -> None:
        database_id = self._database_id()
        self._http.write("POST", f"/api/database/{database_id}/sync_schema")
        deadline, pause_s, pause = time.monotonic() + _SYNC_LIMIT_S, _FIRST_PAUSE_S, threading.Event()
        while (status := self._http.get(f"/api/database/{database_id}")["initial_sync_status"]) != "complete":
            if time.monotonic() > deadline:
                raise MetabaseError(
                    f"Metabase did not read the tables within {_SYNC_LIMIT_S:.0f} s: it is {status}"
                )
            pause.wait(pause_s)
            pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)

    def _group(self) -> None:
        made = self._http.write("POST", "/api/permissions/group", {"name": GROUP})
        self._actual = replace(self._actual, group_id=made["id"])

    def _graph(self, path: str, changes_of: Callable[[Graph], Changes]) -> None:
        """Change the parts that differ; a conflict says that nothing was done, so it is safe to try again."""
        for _ in range(_TRIES):
            graph = read_graph(self._http, path)
            changes = changes_of(graph)
            if not changes:
                return
            try:
                self._http.write("PUT", f"/api/{path}/graph", {"revision": graph.revision, "groups": changes})
                return
            except MetabaseRefused as error:
                if error.status != _CONFLICT:
                    raise
        raise MetabaseError(
            f"somebody else keeps changing permissions in Metabase ({path}): run the command again"
        )

    def _collection(self) -> None:
        body = {"name": COLLECTION, "description": COLLECTION_DESCRIPTION}
        made = self._write("collection", self._actual.collection, body)
        self._actual = replace(self._actual, collection=made)

    def _card(self, name: str) -> None:
        card_id = self._card_ids.get(name)
        body = card_body(self._cards[name], self._database_id(), self._collection_id())
        row = self._write("card", {"id": card_id} if card_id else None, body)
        self._card_ids[name] = row["id"]

    def _dashboard(self, name: str) -> None:
        wanted, row = self._wanted_dashboards[name], self._dashboards.get(name)
        body: Row = {
            "name": wanted.name,
            "description": wanted.description,
            "parameters": [],
            "collection_id": self._collection_id(),
        }
        if row is None:
            row = dict(self._http.write("POST", "/api/dashboard", body))  # which knows no dashcards
        present = list(row.get("dashcards") or [])
        cards = with_ids(dashcards(wanted, row["id"], self._card_ids), present)
        self._http.write("PUT", f"/api/dashboard/{row['id']}", body | {"dashcards": cards})

    def _write(self, model: str, row: Row | None, body: Row) -> Row:
        """Update what is there, else create it; return what is answered."""
        if row is None:
            return dict(self._http.write("POST", f"/api/{model}", body))
        return dict(self._http.write("PUT", f"/api/{model}/{row['id']}", body))

    def _database_id(self) -> int:
        return _id(self._actual.database)

    def _collection_id(self) -> int:
        return _id(self._actual.collection)


def _id(row: dict[str, Any] | None) -> int:
    if row is None:
        raise MetabaseError("the plan's order is wrong: something is needed before it is made")
    return int(row["id"])
