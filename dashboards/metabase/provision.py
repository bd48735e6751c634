"""`plan` and `apply`: look, compare, write what differs, look again, and run every card."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from dashboards.metabase import start
from dashboards.metabase.actual import Actual, read
from dashboards.metabase.bodies import refresh_path
from dashboards.metabase.differences import Difference, compare
from dashboards.metabase.errors import MetabaseError
from dashboards.metabase.http import MetabaseHttp
from dashboards.metabase.matching import Matched
from dashboards.metabase.wanted import Wanted
from dashboards.metabase.writer import Writer
from pipeline.settings import MetabaseSettings, PostgresSettings

_NOT_COMPARED = "its password can't be read, so it is sent again"


@dataclass(frozen=True)
class FailedQuery:
    """A card whose query does not work."""

    card: str
    error: str


@dataclass(frozen=True)
class Applied:
    """What was written, where the dashboards are, and the cards that do not work."""

    differences: tuple[Difference, ...]
    addresses: dict[str, str]
    failed: tuple[FailedQuery, ...]


@dataclass(frozen=True)
class Provisioner:
    """One Metabase and what it should hold; every method may raise MetabaseError."""

    metabase: MetabaseSettings
    warehouse: PostgresSettings
    wanted: Wanted
    wait_s: float = 300.0
    say: start.Say = lambda _: None

    def plan(self) -> tuple[Difference, ...]:
        """Return what differs; nothing is written."""
        with self._session() as (http, token):
            if token:
                return (self._account(), *compare(self.wanted, Actual()))
            start.log_in(http, self.metabase)
            actual = read(http)
            return tuple(self._with_password(http, compare(self.wanted, actual), actual))

    def apply(self, send_password: bool = False) -> Applied:
        """Write what differs, read it back, and run every card; nothing differs, nothing is written."""
        with self._session() as (http, token):
            done: list[Difference] = []
            if token:
                start.set_up(http, self.metabase, token)
                done.append(self._account())
            else:
                start.log_in(http, self.metabase)
            actual = read(http)
            differences = self._with_password(http, compare(self.wanted, actual), actual, send_password)
            if any(one.is_open for one in differences):
                self._write(http, actual, differences)
                actual = read(http)
                self._check(compare(self.wanted, actual))
            return Applied((*done, *differences), self._addresses(actual), tuple(self._failed(http, actual)))

    @contextmanager
    def _session(self) -> Iterator[tuple[MetabaseHttp, str]]:
        """Wait for Metabase; yield it, and the set-up's token if nobody has done that."""
        http = MetabaseHttp(self.metabase.url)
        try:
            start.wait_until_up(http, self.wait_s, self.say)
            properties = start.read_properties(http)
            yield http, "" if properties["has-user-setup"] else str(properties["setup-token"])
        finally:
            http.close()

    def _account(self) -> Difference:
        return Difference("account", self.metabase.admin_email, "create")

    def _write(self, http: MetabaseHttp, actual: Actual, differences: list[Difference]) -> None:
        writer = Writer(http, self.wanted, actual, lambda: self.warehouse.password("bi_readonly"))
        for one in differences:
            if one.is_open:
                self.say(f"{one.action} {one.kind} {one.name!r}")
                writer.write(one)

    def _check(self, differences: list[Difference]) -> None:
        """Unknown keys are dropped in silence, so that only what reads back has been written."""
        lost = [
            f"{one.kind} {one.name!r} ({'; '.join(one.what) or 'missing'})"
            for one in differences
            if one.is_open
        ]
        if lost:
            raise MetabaseError(f"Metabase did not keep what was written: {', '.join(lost)}")

    def _with_password(
        self, http: MetabaseHttp, differences: list[Difference], actual: Actual, send: bool = False
    ) -> list[Difference]:
        """Let the database differ if no query of ours works: its password is masked, and may be old."""
        database = differences[0]
        if database.is_open:
            return differences
        why = (
            "its password is sent again, as asked for"
            if send
            else self._why_password(http, differences, actual)
        )
        if not why:
            return differences
        return [replace(database, action="update", what=(why,)), *differences[1:]]

    def _why_password(self, http: MetabaseHttp, differences: list[Difference], actual: Actual) -> str:
        cards = Matched(self.wanted, actual).cards
        error = ""
        for one in differences:
            if one.kind == "card" and one.action == "unchanged":
                error = _error(http, cards[one.name]["id"])
                if not error:
                    return ""
        return f"no query works: {error}" if error else _NOT_COMPARED

    def _failed(self, http: MetabaseHttp, actual: Actual) -> Iterator[FailedQuery]:
        for name, card_id in Matched(self.wanted, actual).card_ids().items():
            if error := _error(http, card_id):
                yield FailedQuery(name, error)

    def _addresses(self, actual: Actual) -> dict[str, str]:
        found = Matched(self.wanted, actual).dashboards
        return {
            one.name: self.metabase.url + refresh_path(one, found[one.name]["id"])
            for one in self.wanted.dashboards
            if one.name in found
        }


def _error(http: MetabaseHttp, card_id: int) -> str:
    """Run a card; return its error in one line, empty if it worked."""
    answer = http.query(card_id)
    if answer.get("status") == "completed":
        return ""
    return " ".join(str(answer.get("error") or f"status {answer.get('status')}").split())
