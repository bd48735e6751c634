"""What is sent for a card or a dashboard, and what is compared with what is read."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from dashboards.metabase.actual import Row
from dashboards.metabase.wanted import Card, Dashboard, Place

_HEAD = Place(row=0, col=0, size_x=24, size_y=1)  # the refresh link stands above the charts


def card_body(card: Card, database_id: int, collection_id: int) -> Row:
    """Return the body of POST or PUT /api/card."""
    return {
        "name": card.name,
        "type": "question",
        "description": card.description,
        "display": card.display,
        "collection_id": collection_id,
        "visualization_settings": card.settings,
        "dataset_query": {
            "lib/type": "mbql/query",
            "database": database_id,
            "stages": [{"lib/type": "mbql.stage/native", "native": card.sql}],
        },
    }


def sql_of(row: Row) -> str:
    """Return the SQL of a card as it is read, in the newer or the older form; empty if it has none."""
    query = row.get("dataset_query") or {}
    stages = query.get("stages") or [{"native": (query.get("native") or {}).get("query")}]
    found = stages[0].get("native") if len(stages) == 1 else None
    return found if isinstance(found, str) else ""


def dashcards(dashboard: Dashboard, dashboard_id: int, card_ids: Mapping[str, int]) -> list[Row]:
    """Return the dashcards that a dashboard should have, without their ids: the link first."""
    charts = [
        _dashcard(card_ids.get(name), replace(place, row=place.row + _HEAD.size_y), {})
        for name, place in dashboard.places.items()
    ]
    return [_dashcard(None, _HEAD, _refresh_link(dashboard, dashboard_id)), *charts]


def with_ids(wanted: list[Row], present: list[Row]) -> list[Row]:
    """Give each dashcard the id of the one that shows the same card now; those without one are made."""
    left = list(present)
    result = []
    for number, dashcard in enumerate(wanted, start=1):
        same = next((one for one in left if one["card_id"] == dashcard["card_id"]), None)
        if same is not None:
            left.remove(same)
        result.append({"id": same["id"] if same else -number} | dashcard)
    return result


def compared(dashcard: Row) -> Row:
    """Return what is compared of a dashcard as it is read."""
    return {
        "card_id": dashcard.get("card_id"),
        **{name: dashcard[name] for name in ("row", "col", "size_x", "size_y")},
        "series": dashcard.get("series") or [],
        "visualization_settings": dashcard.get("visualization_settings") or {},
        "parameter_mappings": dashcard.get("parameter_mappings") or [],
    }


def _dashcard(card_id: int | None, place: Place, settings: Row) -> Row:
    return {
        "card_id": card_id,
        **asdict(place),
        "series": [],
        "visualization_settings": settings,
        "parameter_mappings": [],
    }


def _refresh_link(dashboard: Dashboard, dashboard_id: int) -> dict[str, Any]:
    # Metabase keeps no refresh with a dashboard: it is a part of the address.
    text = f"[Refresh every {dashboard.refresh_s} seconds]({refresh_path(dashboard, dashboard_id)})"
    card: Row = {"name": None, "display": "text", "visualization_settings": {}, "dataset_query": {}}
    return {"text": text, "virtual_card": card | {"archived": False}}


def refresh_path(dashboard: Dashboard, dashboard_id: int) -> str:
    """Return the path at which a dashboard refreshes itself."""
    return f"/dashboard/{dashboard_id}#refresh={dashboard.refresh_s}"
