"""Databases: the connection is tested for real, passwords come back masked, the sync takes its time."""

from typing import Any

from tests.metabase_server import warehouse
from tests.metabase_server.calling import Answer, Call, Refused
from tests.metabase_server.store import ALL_USERS, next_id

MASK = "**MetabasePass**"
_KEYS = ("name", "engine", "details", "is_full_sync", "is_on_demand")
_ALL = {"view-data": "unrestricted", "create-queries": "query-builder-and-native"}


def list_all(call: Call) -> Answer:
    found = [_shown(one) for one in call.state["databases"].values()]
    return Answer({"data": found, "total": len(found)})


def get(call: Call) -> Answer:
    database = call.row("databases")
    if database["sync_polls_left"] > 0:
        database["sync_polls_left"] -= 1
    elif database["initial_sync_status"] == "incomplete" and database["syncing"]:
        database["initial_sync_status"] = "complete"
    return Answer(_shown(database))


def create(call: Call) -> Answer:
    call.required("name", "engine", "details")
    given = {"is_full_sync": True, "is_on_demand": False} | call.given(_KEYS)
    _test(given["engine"], given["details"])
    made = given | {"id": next_id(call.state), "initial_sync_status": "incomplete"}
    made |= {"sync_polls_left": call.options.sync_polls, "syncing": False}
    call.state["databases"][str(made["id"])] = made
    # Whoever has an account may query a new database, until somebody restricts it.
    call.state["data_graph"]["groups"].setdefault(str(ALL_USERS), {})[str(made["id"])] = dict(_ALL)
    return Answer(_shown(made))


def update(call: Call) -> Answer:
    database, given = call.row("databases"), call.given(_KEYS)
    if "details" in given:
        sent = given["details"]
        if sent.get("password") == MASK:
            sent = {key: value for key, value in sent.items() if key != "password"}
        given["details"] = database["details"] | sent
        _test(given.get("engine", database["engine"]), given["details"])
    database.update(given)
    return Answer(_shown(database))


def sync_schema(call: Call) -> Answer:
    database = call.row("databases")
    database |= {"syncing": True, "initial_sync_status": "incomplete"}
    database["sync_polls_left"] = call.options.sync_polls
    return Answer({"status": "ok"})


def _test(engine: str, details: dict[str, Any]) -> None:
    if engine != "postgres":
        raise Refused(400, {"errors": {"engine": f"{engine!r} is not an engine of this stand-in: postgres"}})
    error = warehouse.connection_error(details)
    if error:
        raise Refused(400, {"message": error, "errors": {"host": "check your host settings"}})


def _shown(database: dict[str, Any]) -> dict[str, Any]:
    hidden = ("sync_polls_left", "syncing")
    details = dict(database["details"])
    if details.get("password"):
        details["password"] = MASK
    return {key: value for key, value in database.items() if key not in hidden} | {"details": details}
