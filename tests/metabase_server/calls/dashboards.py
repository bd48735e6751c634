"""Dashboards: POST knows no dashcards; PUT replaces them all, and makes those with a negative id."""

from typing import Any

from tests.metabase_server.calling import Answer, Call, Refused
from tests.metabase_server.calls import cards
from tests.metabase_server.store import next_id

_CREATED = ("name", "description", "parameters", "collection_id")
_UPDATED = (*_CREATED, "archived")
_PLACE = ("row", "col", "size_x", "size_y")
_DASHCARD = ("card_id", *_PLACE, "series", "visualization_settings", "parameter_mappings")
_DEFAULTS: dict[str, Any] = {
    "card_id": None,
    "series": [],
    "visualization_settings": {},
    "parameter_mappings": [],
}
_COLUMNS = 24


def create(call: Call) -> Answer:
    call.required("name")
    made = {"description": None, "parameters": [], "collection_id": None} | call.given(_CREATED)
    made |= {"id": next_id(call.state), "dashcards": [], "archived": False}
    call.state["dashboards"][str(made["id"])] = made
    return _shown(call, made)


def get(call: Call) -> Answer:
    return _shown(call, call.row("dashboards"))


def update(call: Call) -> Answer:
    dashboard = call.row("dashboards")
    dashcards = dashboard["dashcards"]
    if call.body.get("dashcards") is not None:
        known = {one["id"] for one in dashcards}
        dashcards = [_dashcard(call, sent, known) for sent in call.body["dashcards"]]
    dashboard.update(call.given(_UPDATED) | {"dashcards": dashcards})
    return _shown(call, dashboard)


def _dashcard(call: Call, sent: dict[str, Any], known: set[int]) -> dict[str, Any]:
    given = _DEFAULTS | {key: sent[key] for key in _DASHCARD if key in sent}
    missing = [key for key in ("id", *_PLACE) if not isinstance(sent.get(key), int)]
    if missing or given["col"] + given["size_x"] > _COLUMNS or min(given["size_x"], given["size_y"]) < 1:
        raise Refused(400, {"errors": {"dashcards": "value must be dashcards on a grid of 24 columns."}})
    if given["card_id"] is not None and str(given["card_id"]) not in call.state["cards"]:
        raise Refused(404, "Not found.")
    return given | {"id": sent["id"] if sent["id"] in known else next_id(call.state)}


def _shown(call: Call, dashboard: dict[str, Any]) -> Answer:
    dashcards = [
        one | {"dashboard_id": dashboard["id"], "card": _card(call, one["card_id"])}
        for one in dashboard["dashcards"]
    ]
    return Answer(dashboard | {"dashcards": dashcards, "tabs": []})


def _card(call: Call, card_id: int | None) -> dict[str, Any] | None:
    return None if card_id is None else cards.shown(call.state["cards"][str(card_id)])
