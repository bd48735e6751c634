"""Cards (questions): stored as they are given, read back in the newer form, run on the real database."""

from typing import Any

from tests.metabase_server import warehouse
from tests.metabase_server.calling import Answer, Call, Refused, Work
from tests.metabase_server.store import next_id

_KEYS = (
    "name", "type", "collection_id", "display", "description", "visualization_settings", "dataset_query",
    "archived",
)  # fmt: skip
_DEFAULTS = {"type": "question", "collection_id": None, "description": None, "archived": False}


def create(call: Call) -> Answer:
    call.required("name", "display", "dataset_query")
    if "visualization_settings" not in call.body:
        raise Refused(400, {"errors": {"visualization_settings": "value must be a map."}})
    made = _DEFAULTS | _checked(call) | {"id": next_id(call.state)}
    call.state["cards"][str(made["id"])] = made
    return Answer(shown(made))


def update(call: Call) -> Answer:
    card = call.row("cards")
    card.update(_checked(call))
    if card["archived"]:
        for dashboard in call.state["dashboards"].values():
            dashboard["dashcards"] = [one for one in dashboard["dashcards"] if one["card_id"] != card["id"]]
    return Answer(shown(card))


def get(call: Call) -> Answer:
    return Answer(shown(call.row("cards"), legacy=call.query.get("legacy-mbql") == ["true"]))


def query(call: Call) -> Work:
    """Run the card: 202 whether it worked or not."""
    card = call.row("cards")
    database_id, sql = _parts(card["dataset_query"])
    details = dict(call.state["databases"][str(database_id)]["details"])
    return lambda: Answer(warehouse.run(details, database_id, sql), 202)


def shown(card: dict[str, Any], legacy: bool = False) -> dict[str, Any]:
    """Return a card as it is read: with stages, or on demand in the older form."""
    database_id, sql = _parts(card["dataset_query"])
    dataset_query: dict[str, Any] = {
        "lib/type": "mbql/query",
        "database": database_id,
        "stages": [{"lib/type": "mbql.stage/native", "native": sql}],
    }
    if legacy:
        dataset_query = {"database": database_id, "type": "native", "native": {"query": sql}}
    return card | {"dataset_query": dataset_query, "database_id": database_id, "query_type": "native"}


def _checked(call: Call) -> dict[str, Any]:
    given = call.given(_KEYS)
    if given.get("description") == "":
        raise Refused(400, {"errors": {"description": "nullable value must be a non-blank string."}})
    if "dataset_query" in given:
        database_id, _ = _parts(given["dataset_query"])
        if str(database_id) not in call.state["databases"]:
            raise Refused(404, "Not found.")
    collection_id = given.get("collection_id")
    if collection_id is not None and str(collection_id) not in call.state["collections"]:
        raise Refused(404, "Not found.")
    return given


def _parts(dataset_query: dict[str, Any]) -> tuple[int, str]:
    """Return database and SQL of either form."""
    try:
        if "stages" in dataset_query:
            return dataset_query["database"], dataset_query["stages"][0]["native"]
        return dataset_query["database"], dataset_query["native"]["query"]
    except (KeyError, IndexError, TypeError):
        raise Refused(400, {"errors": {"dataset_query": "value must be a query map."}}) from None
