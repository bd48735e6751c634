"""What people change by hand in our collection is put back; what is theirs stays."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from dashboards.metabase.provision import Provisioner
from dashboards.spec_files import load as load_spec
from pipeline.settings import PostgresSettings
from tests.integration.metabase_access import logged_in, provisioner_for, settings_for
from tests.integration.metabase_contents import (
    collection_id,
    database_id,
    grant,
    groups,
    items,
    one_of,
    put,
)  # fmt: skip
from tests.metabase_server import MetabaseServer
from tests.metabase_server.store import MemoryStore

BOARD = load_spec()[0]
CHART = BOARD.charts[0].title
Change = Callable[[httpx.Client], None]


def card(**changes: Any) -> Change:
    return lambda hands: put(hands, f"/api/card/{one_of(hands, 'card', CHART)['id']}", **changes)


def board(**changes: Any) -> Change:
    def make(hands: httpx.Client) -> None:
        put(hands, f"/api/dashboard/{one_of(hands, 'dashboard', BOARD.title)['id']}", **changes)

    return make


def layout(change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]) -> Change:
    def make(hands: httpx.Client) -> None:
        found = one_of(hands, "dashboard", BOARD.title)
        put(hands, f"/api/dashboard/{found['id']}", dashcards=change(found["dashcards"]))

    return make


def other_sql(hands: httpx.Client) -> None:
    query = one_of(hands, "card", CHART)["dataset_query"]
    query["stages"][0]["native"] = "SELECT 1 AS minute, 2 AS new_orders"
    card(dataset_query=query)(hands)


def more_settings(hands: httpx.Client) -> None:
    settings = one_of(hands, "card", CHART)["visualization_settings"]
    card(visualization_settings=settings | {"stackable.stack_type": "normalized"})(hands)


def filter_of_schemas(hands: httpx.Client) -> None:
    details = {"schema-filters-type": "all", "schema-filters-patterns": ""}
    put(hands, f"/api/database/{database_id(hands)}", details=details)


def open_collection(hands: httpx.Client) -> None:
    grant(hands, "collection", groups(hands)[1], collection_id(hands), "write")


def viewers_write(hands: httpx.Client) -> None:
    grant(hands, "collection", groups(hands)[0], collection_id(hands), "write")


def everybody_queries(hands: httpx.Client) -> None:
    grant(hands, "permissions", groups(hands)[1], database_id(hands), {"create-queries": "query-builder"})


def viewers_query(hands: httpx.Client) -> None:
    native = {"create-queries": "query-builder-and-native"}
    grant(hands, "permissions", groups(hands)[0], database_id(hands), native)


@pytest.fixture(scope="module")
def applied(
    shared_database: PostgresSettings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[MetabaseServer, Provisioner, MemoryStore]]:
    """A stand-in to which everything has been applied, and what it knows by then."""
    server, store = MetabaseServer(), MemoryStore()
    settings = settings_for(server.url, tmp_path_factory.mktemp("metabase"))
    provisioner = provisioner_for(settings, shared_database)
    server.start(store)
    provisioner.apply()
    yield server, provisioner, store
    server.stop()


@pytest.fixture
def metabase(applied: tuple[MetabaseServer, Provisioner, MemoryStore]) -> MetabaseServer:
    """The stand-in as it was after the one `apply`: another one before each test would take seconds."""
    server, _, store = applied
    own = MemoryStore()
    own.save(store.load())
    server.api.ready(own)
    return server


@pytest.fixture
def provisioner(applied: tuple[MetabaseServer, Provisioner, MemoryStore]) -> Provisioner:
    return applied[1]


@pytest.fixture
def hands(metabase: MetabaseServer, provisioner: Provisioner) -> Iterator[httpx.Client]:
    with logged_in(provisioner.metabase) as client:
        yield client


# Each with what the plan has to name: kind and, in part, what differs.
CHANGES: dict[str, tuple[Change, str, str]] = {
    "a card's title": (card(name="My inflow"), "card", "name is 'My inflow'"),
    "a card's description": (card(description="mine"), "card", "description"),
    "a card's chart": (card(display="pie"), "card", "display is 'pie', not 'bar'"),
    "a card's SQL": (other_sql, "card", "query differs"),
    "a card's settings": (more_settings, "card", "settings differ: stackable.stack_type"),
    "a deleted card": (card(archived=True), "card", ""),
    "a dashboard's title": (board(name="Mine"), "dashboard", "name is 'Mine'"),
    "a dashboard's description": (board(description="mine"), "dashboard", "description differs"),
    "a dashboard's filter": (board(parameters=[{"id": "a"}]), "dashboard", "has filters"),
    "a deleted dashboard": (board(archived=True), "dashboard", ""),
    "a moved chart": (
        layout(lambda cards: [one | {"row": one["row"] + 30} for one in cards]),
        "dashboard",
        f"{CHART!r} was moved or changed",
    ),
    "a removed chart": (
        layout(lambda cards: [one for one in cards if (one["card"] or {}).get("name") != CHART]),
        "dashboard",
        f"{CHART!r} is not on it",
    ),
    "a chart shown twice": (
        layout(lambda cards: [*cards, cards[1] | {"id": -1, "row": 50}]), "dashboard", f"shows {CHART!r} too"
    ),
    "a text": (
        layout(lambda cards: [*cards, cards[0] | {"id": -1, "row": 50}]), "dashboard", "shows a text too"
    ),
    "the schemas": (filter_of_schemas, "database", "schema-filters-type is 'all', not 'inclusion'"),
    "the collection opened": (open_collection, "access", "All Users should have none"),
    "viewers may write": (viewers_write, "access", "should have read"),
    "everybody may query": (everybody_queries, "data access", "All Users may write queries"),
    "viewers may query": (viewers_query, "data access", "may write queries"),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_by_hand_is_named_and_undone(
    name: str, provisioner: Provisioner, hands: httpx.Client, metabase: MetabaseServer
):
    change, kind, what = CHANGES[name]
    ids = {model: len(own(hands, model)) for model in ("card", "dashboard")}
    change(hands)
    before = metabase.writes()
    found = [one for one in provisioner.plan() if one.is_open]
    assert metabase.writes() == before
    assert kind in {one.kind for one in found}
    assert what in " ".join(line for one in found for line in one.what)
    applied = provisioner.apply()
    assert [one for one in applied.differences if one.is_open] == found
    assert applied.failed == ()
    assert {one.action for one in provisioner.plan()} == {"unchanged"}
    # Put back, not made a second time.
    assert {model: len(own(hands, model)) for model in ("card", "dashboard")} == ids


def own(hands: httpx.Client, model: str) -> list[int]:
    return [one["id"] for one in items(hands, collection_id(hands)) if one["model"] == model]


def test_a_repair_keeps_ids_of_cards_and_dashcards(provisioner: Provisioner, hands: httpx.Client):
    before = one_of(hands, "dashboard", BOARD.title)
    for name in ("a moved chart", "a card's title", "a dashboard's title"):
        CHANGES[name][0](hands)
    provisioner.apply()
    after = one_of(hands, "dashboard", BOARD.title)
    assert after["id"] == before["id"]
    assert [(one["id"], one["card_id"]) for one in after["dashcards"]] == [
        (one["id"], one["card_id"]) for one in before["dashcards"]
    ]


def test_what_is_not_ours_is_told_and_left_alone(
    provisioner: Provisioner, hands: httpx.Client, metabase: MetabaseServer
):
    mine = one_of(hands, "card", CHART) | {"name": "Mine"}
    stranger = hands.post("/api/card", json=mine).json()
    note = {"name": "Notes", "collection_id": collection_id(hands)}
    hands.post("/api/dashboard", json=note).raise_for_status()
    before = metabase.writes()
    told = [one for one in provisioner.apply().differences if one.action == "unmanaged"]
    assert [(one.kind, one.name) for one in told] == [("card", "Mine"), ("dashboard", "Notes")]
    assert told[0].what == (f"id {stranger['id']}",)
    assert metabase.writes() == before


def test_other_collections_databases_and_access_stay(provisioner: Provisioner, hands: httpx.Client):
    viewers, everybody = groups(hands)
    other = hands.post("/api/collection", json={"name": "Theirs"}).json()["id"]
    copy = one_of(hands, "card", CHART) | {"collection_id": other}
    card_id = hands.post("/api/card", json=copy).json()["id"]
    theirs = hands.get(f"/api/database/{database_id(hands)}").json() | {"name": "their database"}
    theirs["details"]["password"] = provisioner.warehouse.password("bi_readonly")
    database = hands.post("/api/database", json=theirs).json()["id"]
    grant(hands, "permissions", viewers, database, {"create-queries": "query-builder"})
    everything = [f"/api/card/{card_id}", f"/api/collection/{other}", f"/api/database/{database}"]
    before = [hands.get(path).json() for path in everything]
    CHANGES["a moved chart"][0](hands)
    applied = provisioner.apply()
    assert [hands.get(path).json() for path in everything] == before
    access = hands.get("/api/permissions/graph").json()["groups"]
    assert access[everybody][str(database)]["create-queries"] == "query-builder-and-native"
    # Our own group sees our collection and nothing else.
    assert "create-queries" not in access[viewers][str(database)]
    assert "data access" in {one.kind for one in applied.differences if one.is_open}
    assert hands.get("/api/collection/graph").json()["groups"][everybody][str(other)] == "write"
