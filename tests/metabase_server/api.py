"""Which call goes where, who may make it, and that a refused one changes nothing."""

import copy
import re
import threading
from collections import Counter

from tests.metabase_server.calling import Answer, Call, Handler, Options, Received, Refused
from tests.metabase_server.calls import cards, collections, dashboards, databases, permissions, sessions
from tests.metabase_server.store import State, Store

_OPEN = ("/api/session/properties", "/api/setup", "/api/session")
_ROUTES: tuple[tuple[str, str, Handler], ...] = (
    ("GET", "/api/session/properties", sessions.properties),
    ("POST", "/api/setup", sessions.setup),
    ("POST", "/api/session", sessions.log_in),
    ("GET", "/api/database", databases.list_all),
    ("POST", "/api/database", databases.create),
    ("GET", "/api/database/:id", databases.get),
    ("PUT", "/api/database/:id", databases.update),
    ("POST", "/api/database/:id/sync_schema", databases.sync_schema),
    ("POST", "/api/collection", collections.create),
    ("GET", "/api/collection/graph", permissions.collection_graph),
    ("PUT", "/api/collection/graph", permissions.put_collection_graph),
    ("GET", "/api/collection/:id", collections.get),
    ("PUT", "/api/collection/:id", collections.update),
    ("GET", "/api/collection/:id/items", collections.items),
    ("POST", "/api/card", cards.create),
    ("GET", "/api/card/:id", cards.get),
    ("PUT", "/api/card/:id", cards.update),
    ("POST", "/api/card/:id/query", cards.query),
    ("POST", "/api/dashboard", dashboards.create),
    ("GET", "/api/dashboard/:id", dashboards.get),
    ("PUT", "/api/dashboard/:id", dashboards.update),
    ("GET", "/api/permissions/group", permissions.list_groups),
    ("POST", "/api/permissions/group", permissions.create_group),
    ("GET", "/api/permissions/graph", permissions.data_graph),
    ("PUT", "/api/permissions/graph", permissions.put_data_graph),
)


class Api:
    """Answers calls; until `ready` it is a Metabase that starts."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._polls_left = options.starting_polls
        self._lock = threading.Lock()
        self._wrong: Counter[str] = Counter()
        self._store: Store | None = None
        self._state: State = {}

    def ready(self, store: Store) -> None:
        """Go on with what the store holds."""
        self._state = store.load()
        self._store = store

    def answer(self, received: Received) -> Answer:
        """Return the answer to one call."""
        if received.path == "/api/health":
            return self._health()
        if self._is_starting():
            return Answer("Metabase is still starting up...", 503)
        try:
            return self._routed(received)
        except Refused as refusal:
            return refusal.answer

    def _health(self) -> Answer:
        if not self._is_starting():
            return Answer({"status": "ok"})
        self._polls_left -= 1
        return Answer({"status": "initializing", "progress": 0.4}, 503)

    def _is_starting(self) -> bool:
        return self._store is None or self._polls_left > 0

    def _routed(self, received: Received) -> Answer:
        handler, ids = _find(received.method, received.path)
        body = received.body if isinstance(received.body, dict) else {}
        with self._lock:
            if received.path not in _OPEN and received.session not in self._state["sessions"]:
                raise Refused(401, "Unauthenticated")
            call = Call(copy.deepcopy(self._state), self._options, ids, received.query, body)
            answer = self._throttled(call) if handler is sessions.log_in else handler(call)
            if isinstance(answer, Answer) and call.state != self._state:
                assert self._store is not None
                self._store.save(call.state)
                self._state = call.state
        return answer if isinstance(answer, Answer) else answer()

    def _throttled(self, call: Call) -> Answer:
        name = str(call.body.get("username"))
        if self._wrong[name] >= self._options.login_attempts:
            return sessions.throttled(name)
        try:
            return sessions.log_in(call)
        except Refused:
            self._wrong[name] += 1
            raise


def _find(method: str, path: str) -> tuple[Handler, tuple[str, ...]]:
    for known, pattern, handler in _ROUTES:
        found = re.fullmatch(pattern.replace(":id", r"(\d+|root)"), path)
        if known == method and found:
            return handler, found.groups()
    raise Refused(404, "API endpoint does not exist.")
