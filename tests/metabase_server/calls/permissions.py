"""Groups and the two graphs, each with a revision that a writer must have seen."""

import copy
from typing import Any

from tests.metabase_server.calling import Answer, Call, Refused
from tests.metabase_server.store import ADMINISTRATORS, ALL_USERS, next_id

_ADMIN = {"view-data": "unrestricted", "create-queries": "query-builder-and-native", "details": "yes"}


def list_groups(call: Call) -> Answer:
    members = {ALL_USERS: len(call.state["users"]), ADMINISTRATORS: len(call.state["users"])}
    groups = call.state["groups"].values()
    return Answer([one | {"member_count": members.get(one["id"], 0)} for one in groups])


def create_group(call: Call) -> Answer:
    call.required("name")
    made = {"id": next_id(call.state), "name": call.body["name"]}
    call.state["groups"][str(made["id"])] = made
    return Answer(made)


def collection_graph(call: Call) -> Answer:
    graph = copy.deepcopy(call.state["collection_graph"])
    everything = ["root", *call.state["collections"]]
    graph["groups"][str(ADMINISTRATORS)] = dict.fromkeys(everything, "write")
    for group in call.state["groups"]:
        graph["groups"].setdefault(group, {})
    return Answer(graph)


def put_collection_graph(call: Call) -> Answer:
    _merge(call, "collection_graph", {"read", "write", "none"})
    return collection_graph(call)


def data_graph(call: Call) -> Answer:
    """Show what groups may do; the least that is possible is left out."""
    graph = copy.deepcopy(call.state["data_graph"])
    for databases in graph["groups"].values():
        for access in databases.values():
            if access.get("create-queries") == "no":
                del access["create-queries"]
    graph["groups"][str(ADMINISTRATORS)] = {one: dict(_ADMIN) for one in call.state["databases"]}
    return Answer(graph)


def put_data_graph(call: Call) -> Answer:
    _merge(call, "data_graph", None)
    shown = data_graph(call).body
    groups = {group: shown["groups"].get(group, {}) for group in call.body["groups"]}
    return Answer(shown | {"groups": groups})


def _merge(call: Call, name: str, values: set[str] | None) -> None:
    """Overwrite the parts that were sent; whoever has not seen the last revision is refused."""
    graph = call.state[name]
    if call.body.get("revision") != graph["revision"]:
        raise Refused(409, "Looks like someone else edited the permissions and your data is out of date.")
    sent: dict[str, dict[str, Any]] = call.body.get("groups") or {}
    for group, parts in sent.items():
        if group not in call.state["groups"]:
            raise Refused(404, "Not found.")
        if values is not None and not values.issuperset(parts.values()):
            raise Refused(400, {"errors": {"groups": f"values must be of {sorted(values)}"}})
        if int(group) != ADMINISTRATORS:
            kept = graph["groups"].setdefault(group, {})
            for thing, access in parts.items():
                kept[thing] = kept.get(thing, {}) | access if isinstance(access, dict) else access
    graph["revision"] += 1
