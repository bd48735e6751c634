"""Who may see what: changes to the two graphs that leave everybody else's access as it is."""

from typing import Any

from dashboards.metabase.actual import Actual

Changes = dict[str, dict[str, Any]]
_NO_QUERIES = "no"


def data_changes(actual: Actual) -> Changes:
    """Return what has to change so that neither our group nor All Users writes queries on our database.

    Our group may not do so on any other database either; All Users' access to those is not ours to change.
    Which rows are visible is not restricted here, only the paid editions can: bi_readonly's rights do that.
    """
    ours = str(actual.database["id"]) if actual.database else ""
    wanted = {
        str(actual.all_users_id): [ours],
        str(actual.group_id): [str(one) for one in actual.database_ids],
    }
    changes: Changes = {}
    for group, databases in wanted.items():
        access = actual.data_graph.groups.get(group, {})
        for database in databases:
            # The least that is possible is left out of the graph.
            if access.get(database, {}).get("create-queries", _NO_QUERIES) != _NO_QUERIES:
                changes.setdefault(group, {})[database] = access[database] | {"create-queries": _NO_QUERIES}
    return changes


def collection_changes(actual: Actual) -> Changes:
    """Return what has to change so that our group reads our collection and All Users do not see it."""
    ours = str(actual.collection["id"]) if actual.collection else ""
    wanted = {str(actual.group_id): "read", str(actual.all_users_id): "none"}
    groups = actual.collection_graph.groups
    return {
        group: {ours: access}
        for group, access in wanted.items()
        if groups.get(group, {}).get(ours, "none") != access
    }
