"""What a Metabase holds of ours: read over its API, and found by name."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from dashboards.metabase.errors import MetabaseError
from dashboards.metabase.http import MetabaseHttp
from dashboards.metabase.wanted import COLLECTION, DATABASE, GROUP

Row = dict[str, Any]
_ALL_USERS, _ALL_USERS_KIND = "All Users", "all-internal-users"


@dataclass(frozen=True)
class Graph:
    """Who may do what: group id -> thing's id -> access, as of a revision."""

    revision: int = 0
    groups: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Actual:
    """What is there; a Metabase that nobody has set up holds nothing."""

    database: Row | None = None
    database_ids: tuple[int, ...] = ()
    group_id: int | None = None
    all_users_id: int | None = None
    collection: Row | None = None
    cards: tuple[Row, ...] = ()
    dashboards: tuple[Row, ...] = ()
    data_graph: Graph = Graph()
    collection_graph: Graph = Graph()


def read(http: MetabaseHttp) -> Actual:
    """Read what is there; raise MetabaseError where a name that we go by is there twice."""
    databases = list(http.get("/api/database")["data"])
    found = only(databases, DATABASE, "databases")
    groups = list(http.get("/api/permissions/group"))
    group = only(groups, GROUP, "groups")
    shelf = only(_items(http, "root", "collection"), COLLECTION, "collections")
    return Actual(
        database=http.get(f"/api/database/{found['id']}") if found else None,
        database_ids=tuple(one["id"] for one in databases),
        group_id=group["id"] if group else None,
        all_users_id=_all_users(groups),
        collection=shelf,
        cards=_rows(http, shelf, "card"),
        dashboards=_rows(http, shelf, "dashboard"),
        data_graph=read_graph(http, "permissions"),
        collection_graph=read_graph(http, "collection"),
    )


def read_graph(http: MetabaseHttp, name: str) -> Graph:
    """Return the graph of `permissions` (data) or of `collection`."""
    graph = http.get(f"/api/{name}/graph")
    return Graph(int(graph["revision"]), dict(graph["groups"]))


def only(rows: Iterable[Row], name: str, kind: str) -> Row | None:
    """Return the one row of this name, or None; raise MetabaseError if there are several."""
    found = [row for row in rows if row["name"] == name]
    if len(found) > 1:
        ids = ", ".join(str(row["id"]) for row in found)
        raise MetabaseError(
            f"{len(found)} {kind} are named {name!r} (ids {ids}), and names are all that we go by:"
            " rename or delete those that are not ours"
        )
    return found[0] if found else None


def _rows(http: MetabaseHttp, shelf: Row | None, model: str) -> tuple[Row, ...]:
    if shelf is None:
        return ()
    items = _items(http, str(shelf["id"]), model)
    return tuple(http.get(f"/api/{model}/{item['id']}") for item in items)


def _items(http: MetabaseHttp, collection: str, model: str) -> list[Row]:
    return list(http.get(f"/api/collection/{collection}/items", {"models": model})["data"])


def _all_users(groups: list[Row]) -> int | None:
    # Its shown name depends on a setting; its kind, where it is told, does not.
    for group in groups:
        if group.get("magic_group_type") == _ALL_USERS_KIND or group["name"] == _ALL_USERS:
            return int(group["id"])
    raise MetabaseError("Metabase shows no group of all users: is the account an administrator's?")
