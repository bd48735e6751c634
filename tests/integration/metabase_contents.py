"""What a Metabase holds, as somebody sees it who looks by hand."""

from typing import Any

import httpx

from dashboards.metabase.wanted import COLLECTION, DATABASE, GROUP


def named(rows: list[dict[str, Any]], name: str) -> dict[str, Any]:
    (found,) = [row for row in rows if row["name"] == name]
    return found


def collection_id(hands: httpx.Client) -> int:
    return int(named(items(hands, "root"), COLLECTION)["id"])


def database_id(hands: httpx.Client) -> int:
    return int(named(hands.get("/api/database").json()["data"], DATABASE)["id"])


def groups(hands: httpx.Client) -> tuple[str, str]:
    """Return the ids of our group and of All Users, as the graphs have them."""
    found = hands.get("/api/permissions/group").json()
    return str(named(found, GROUP)["id"]), str(named(found, "All Users")["id"])


def items(hands: httpx.Client, collection: int | str) -> list[dict[str, Any]]:
    return list(hands.get(f"/api/collection/{collection}/items").json()["data"])


def one_of(hands: httpx.Client, model: str, name: str) -> dict[str, Any]:
    """Return our card or dashboard of this name."""
    found = [one for one in items(hands, collection_id(hands)) if one["model"] == model]
    return dict(hands.get(f"/api/{model}/{named(found, name)['id']}").json())


def put(hands: httpx.Client, path: str, **body: Any) -> None:
    hands.put(path, json=body).raise_for_status()


def grant(hands: httpx.Client, graph: str, group: str, thing: int, access: Any) -> None:
    """Change one access in the graph of `permissions` or `collection`."""
    path = f"/api/{graph}/graph"
    put(hands, path, revision=hands.get(path).json()["revision"], groups={group: {str(thing): access}})
