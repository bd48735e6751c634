"""Collections and what is in them; names need not be unique."""

from typing import Any

from tests.metabase_server.calling import Answer, Call, Refused
from tests.metabase_server.store import next_id

_MODELS = {"collection": "collections", "card": "cards", "dashboard": "dashboards"}


def create(call: Call) -> Answer:
    call.required("name")
    made = {"description": None, "parent_id": None} | call.given(("name", "description", "parent_id"))
    parent = made["parent_id"]
    if parent is not None and str(parent) not in call.state["collections"]:
        raise Refused(404, "Not found.")
    made |= {"id": next_id(call.state), "archived": False}
    call.state["collections"][str(made["id"])] = made
    # As its parent is: what everybody may write to has children that everybody may write to.
    for access in call.state["collection_graph"]["groups"].values():
        inherited = access.get("root" if parent is None else str(parent))
        if inherited:
            access[str(made["id"])] = inherited
    return Answer(made)


def update(call: Call) -> Answer:
    collection = call.row("collections")
    collection.update(call.given(("name", "description", "archived", "parent_id")))
    return Answer(collection)


def get(call: Call) -> Answer:
    return Answer(call.row("collections"))


def items(call: Call) -> Answer:
    """List what lies in a collection; `root` is the one that everything without a collection is in."""
    collection_id = None if call.ids[0] == "root" else call.row("collections")["id"]
    wanted = call.query.get("models") or list(_MODELS)
    found = [
        _item(row, model)
        for model, kind in _MODELS.items()
        if model in wanted
        for row in call.state[kind].values()
        if _parent(row, model) == collection_id and not row.get("archived")
    ]
    return Answer({"data": found, "total": len(found), "models": wanted, "limit": None, "offset": None})


def _parent(row: dict[str, Any], model: str) -> Any:
    return row["parent_id" if model == "collection" else "collection_id"]


def _item(row: dict[str, Any], model: str) -> dict[str, Any]:
    return {"id": row["id"], "name": row["name"], "description": row["description"], "model": model}
