"""The plan: what differs between what the files say and what is there. Pure; nothing is asked or sent."""

from dataclasses import dataclass
from typing import Any, Literal

from dashboards.metabase.access import collection_changes, data_changes
from dashboards.metabase.actual import Actual, Row
from dashboards.metabase.bodies import card_body, compared, dashcards, sql_of, with_ids
from dashboards.metabase.matching import Matched
from dashboards.metabase.wanted import (
    COLLECTION,
    COLLECTION_DESCRIPTION,
    DATABASE,
    GROUP,
    Card,
    Dashboard,
    Wanted,
)

Kind = Literal[
    "account", "database", "sync", "group", "data access", "collection", "access", "card", "dashboard"
]
_LONGEST_SHOWN = 60
Action = Literal["create", "update", "unchanged", "unmanaged"]


@dataclass(frozen=True)
class Difference:
    """One thing and what has to be done about it; `what` says in which way it differs."""

    kind: Kind
    name: str
    action: Action
    what: tuple[str, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether an apply would write."""
        return self.action in ("create", "update")


def compare(wanted: Wanted, actual: Actual) -> list[Difference]:
    """Return everything of ours in the order in which it is written, then what is not ours."""
    matched = Matched(wanted, actual)
    return [
        _database(wanted, actual),
        _sync(actual),
        Difference("group", GROUP, "unchanged" if actual.group_id else "create"),
        _data_access(actual),
        _collection(actual),
        _collection_access(actual),
        *(_card(card, matched.cards.get(card.name), actual) for card in wanted.cards),
        *(_dashboard(one, matched.dashboards.get(one.name), matched) for one in wanted.dashboards),
        *(
            Difference(_model(kind), row["name"], "unmanaged", (f"id {row['id']}",))
            for kind, row in matched.strangers
        ),
    ]


def _model(kind: str) -> Kind:
    return "card" if kind == "card" else "dashboard"


def _of(kind: Kind, name: str, row: Any, what: list[str]) -> Difference:
    if row is None:
        return Difference(kind, name, "create")
    return Difference(kind, name, "update" if what else "unchanged", tuple(what))


def _database(wanted: Wanted, actual: Actual) -> Difference:
    row = actual.database or {}
    sent = database_settings(wanted) | {"engine": "postgres"}
    what = [_is(name, row.get(name), value) for name, value in sent.items() if row.get(name) != value]
    details = row.get("details") or {}
    for name, value in wanted.details.items():
        # Metabase turns SSL on by itself where the server offers it.
        by_itself = name == "ssl" and not value
        if details.get(name) != value and not by_itself:
            what.append(_is(name, details.get(name), value))
    return _of("database", DATABASE, actual.database, what)


def database_settings(wanted: Wanted) -> dict[str, Any]:
    """Return what is sent of the database beside its connection."""
    return {"name": DATABASE, "is_full_sync": True, "is_on_demand": False}


def _sync(actual: Actual) -> Difference:
    status = (actual.database or {}).get("initial_sync_status")
    return _of("sync", DATABASE, actual.database, [] if status == "complete" else [f"is {status}"])


def _data_access(actual: Actual) -> Difference:
    if not (actual.database and actual.group_id):
        return Difference("data access", DATABASE, "create")
    what = [f"{_who(actual, one)} may write queries" for one in data_changes(actual)]
    return _of("data access", DATABASE, actual.database, what)


def _collection(actual: Actual) -> Difference:
    row = actual.collection
    differs = row is not None and row.get("description") != COLLECTION_DESCRIPTION
    return _of("collection", COLLECTION, row, ["description differs"] if differs else [])


def _collection_access(actual: Actual) -> Difference:
    if not (actual.collection and actual.group_id):
        return Difference("access", COLLECTION, "create")
    changes = collection_changes(actual)
    what = [
        f"{_who(actual, one)} should have {next(iter(access.values()))}" for one, access in changes.items()
    ]
    return _of("access", COLLECTION, actual.collection, what)


def _who(actual: Actual, group: str) -> str:
    return GROUP if group == str(actual.group_id) else "All Users"


def _card(card: Card, row: Row | None, actual: Actual) -> Difference:
    if row is None or actual.database is None or actual.collection is None:
        return Difference("card", card.name, "create")
    body = card_body(card, actual.database["id"], actual.collection["id"])
    what = [
        _is(name, row.get(name), body[name])
        for name in ("name", "type", "description", "display")
        if row.get(name) != body[name]
    ]
    if (row.get("dataset_query") or {}).get("database") != actual.database["id"]:
        what.append("is on another database")
    if sql_of(row) != card.sql:
        what.append("query differs")
    what += _keys("settings", row.get("visualization_settings") or {}, card.settings)
    return _of("card", card.name, row, what)


def _dashboard(wanted: Dashboard, row: Row | None, matched: Matched) -> Difference:
    if row is None:
        return Difference("dashboard", wanted.name, "create")
    what = [
        _is(name, row.get(name), value)
        for name, value in (("name", wanted.name), ("description", wanted.description))
        if row.get(name) != value
    ]
    if row.get("parameters"):
        what.append("has filters")
    return _of("dashboard", wanted.name, row, what + _layout(wanted, row, matched))


def _layout(wanted: Dashboard, row: Row, matched: Matched) -> list[str]:
    ids = matched.card_ids()
    names: dict[Any, str] = {card_id: name for name, card_id in ids.items()}
    present = list(row.get("dashcards") or [])
    by_id = {one["id"]: compared(one) for one in present}
    what = [f"{name!r} is not there" for name in wanted.places if name not in ids]
    placed = [
        one for one in dashcards(wanted, row["id"], ids) if one["card_id"] or one["visualization_settings"]
    ]
    for dashcard in with_ids(placed, present):
        there = by_id.pop(dashcard["id"], None)
        name = names.get(dashcard["card_id"], "the refresh link")
        if there is None:
            what.append(f"{name!r} is not on it")
        elif {"id": dashcard["id"]} | there != dashcard:
            what.append(f"{name!r} was moved or changed")
    return what + [f"shows {_label(one, names)} too" for one in by_id.values()]


def _label(dashcard: Row, names: dict[Any, str]) -> str:
    card_id = dashcard["card_id"]
    return repr(names[card_id]) if card_id in names else f"card {card_id}" if card_id else "a text"


def _is(name: str, there: Any, wanted: Any) -> str:
    long = max(len(str(there)), len(str(wanted))) > _LONGEST_SHOWN
    return f"{name} differs" if long else f"{name} is {there!r}, not {wanted!r}"


def _keys(name: str, there: dict[str, Any], wanted: dict[str, Any]) -> list[str]:
    differing = sorted(key for key in there.keys() | wanted.keys() if there.get(key) != wanted.get(key))
    return [f"{name} differ: {', '.join(differing)}"] if differing else []
