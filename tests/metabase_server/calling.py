"""One call as its handler sees it, and what it may answer."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.metabase_server.store import State


@dataclass(frozen=True)
class Options:
    """What a test may ask of the server; each wait is a number of questions, never a time."""

    version: str = "v0.60.2"
    starting_polls: int = 0  # health questions answered 503 before it is up
    sync_polls: int = 1  # questions after a database before its sync is complete
    login_attempts: int = 10  # wrong passwords before it throttles


@dataclass(frozen=True)
class Received:
    """One call as it came in."""

    method: str
    path: str
    body: Any = None
    query: Mapping[str, list[str]] = field(default_factory=dict)
    session: str | None = None

    @property
    def is_write(self) -> bool:
        """Whether it changes what Metabase holds; a log-in and a card's query do not."""
        reads = self.path == "/api/session" or self.path.endswith("/query")
        return self.method != "GET" and not reads


@dataclass(frozen=True)
class Answer:
    """A status and a body: JSON, or plain text where it is a string."""

    body: Any
    status: int = 200


@dataclass
class Call:
    """The state, which a handler may change in place, and what was sent."""

    state: State
    options: Options
    ids: tuple[str, ...] = ()
    query: Mapping[str, list[str]] = field(default_factory=dict)
    body: dict[str, Any] = field(default_factory=dict)

    def row(self, kind: str) -> dict[str, Any]:
        """Return the thing that the path names."""
        found: dict[str, Any] | None = self.state[kind].get(self.ids[0])
        if found is None:
            raise Refused(404, "Not found.")
        return found

    def given(self, allowed: Iterable[str]) -> dict[str, Any]:
        """Return the keys that this call knows; the others are dropped, and nobody is told."""
        return {key: self.body[key] for key in allowed if key in self.body}

    def required(self, *names: str) -> None:
        """Refuse a body in which one of these is missing or blank."""
        wrong = {name: "value must be a non-blank string." for name in names if not self.body.get(name)}
        if wrong:
            raise Refused(400, {"errors": wrong})


Work = Callable[[], Answer]
Handler = Callable[[Call], "Answer | Work"]  # work is done without holding the state


class Refused(Exception):
    """An answer that changes nothing."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(str(body))
        self.answer = Answer(body, status)
