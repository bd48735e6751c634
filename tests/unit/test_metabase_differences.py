"""The plan is pure: what there is, told as a Metabase would, and what differs from it."""

import socket
from dataclasses import replace
from typing import Any, ClassVar

import httpx
import pytest

from dashboards.metabase.access import collection_changes, data_changes
from dashboards.metabase.actual import Actual, Graph
from dashboards.metabase.bodies import card_body, dashcards, sql_of, with_ids
from dashboards.metabase.differences import Difference, compare
from dashboards.metabase.errors import MetabaseError
from dashboards.metabase.http import MetabaseHttp, reason
from dashboards.metabase.render import connection, render
from dashboards.metabase.start import wait_until_up
from dashboards.metabase.wanted import COLLECTION, COLLECTION_DESCRIPTION, DATABASE, Wanted
from dashboards.spec import Chart, Dashboard
from dashboards.spec_files import load
from infra.platform import MetabaseEndpoint
from pipeline.settings import MetabaseSettings, PostgresSettings, from_variables
from tests.unit.sample_platform import sample_platform

VARIABLES = sample_platform().as_env()
METABASE = from_variables(MetabaseSettings, VARIABLES)
WAREHOUSE = from_variables(PostgresSettings, VARIABLES)
WANTED = render(load(), METABASE, WAREHOUSE)
OURS, SHELF, VIEWERS, EVERYBODY = 4, 6, 5, 1


def there(wanted: Wanted = WANTED) -> Actual:
    """Return a Metabase that holds exactly what is wanted."""
    cards = tuple(
        {"id": 100 + number} | card_body(card, OURS, SHELF) for number, card in enumerate(wanted.cards)
    )
    ids = {str(row["name"]): int(row["id"]) for row in cards}
    boards = tuple(
        {"id": 200 + number, "name": one.name, "description": one.description, "parameters": []}
        | {"dashcards": with_ids(dashcards(one, 200 + number, ids), [])}
        for number, one in enumerate(wanted.dashboards)
    )
    database = {
        "id": OURS,
        "name": DATABASE,
        "engine": "postgres",
        "is_full_sync": True,
        "is_on_demand": False,
    }
    database |= {"initial_sync_status": "complete"}
    return Actual(
        database=database | {"details": wanted.details | {"password": "**MetabasePass**"}},
        database_ids=(OURS, 9),
        group_id=VIEWERS,
        all_users_id=EVERYBODY,
        collection={"id": SHELF, "name": COLLECTION, "description": COLLECTION_DESCRIPTION},
        cards=cards,
        dashboards=boards,
        data_graph=Graph(1, {str(EVERYBODY): {str(OURS): {"view-data": "unrestricted"}}}),
        collection_graph=Graph(1, {str(VIEWERS): {str(SHELF): "read"}}),
    )


def opened(actual: Actual, wanted: Wanted = WANTED) -> list[Difference]:
    return [one for one in compare(wanted, actual) if one.is_open]


def with_database(actual: Actual, **changes: Any) -> Actual:
    return replace(actual, database={**(actual.database or {}), **changes})


def with_first(rows: tuple[dict[str, Any], ...], **changes: Any) -> tuple[dict[str, Any], ...]:
    return ({**rows[0], **changes}, *rows[1:])


def test_nothing_differs_from_what_is_wanted():
    assert opened(there()) == []


def test_everything_is_made_where_nothing_is_in_the_order_in_which_it_is_needed():
    kinds = [one.kind for one in opened(Actual())]
    order = ["database", "sync", "group", "data access", "collection", "access", "card", "dashboard"]
    assert list(dict.fromkeys(kinds)) == order
    assert {one.action for one in opened(Actual())} == {"create"}


def test_a_changed_spec_is_a_difference_like_a_change_by_hand():
    first, *others = WANTED.cards
    changed = replace(WANTED, cards=(replace(first, sql="SELECT 1", display="line"), *others))
    (found,) = opened(there(), changed)
    assert (found.kind, found.name, found.action) == ("card", first.name, "update")
    assert found.what == ("display is 'bar', not 'line'", "query differs")


class TestDatabase:
    def test_a_mask_is_no_difference_and_ssl_that_metabase_turned_on_is_none(self):
        wanted = replace(WANTED, details=WANTED.details | {"ssl": False})
        assert opened(with_database(there(wanted), details=wanted.details | {"ssl": True}), wanted) == []

    def test_ssl_that_was_turned_off_is_one(self):
        actual = with_database(there(), details=WANTED.details | {"ssl": False})
        assert opened(actual)[0].what == ("ssl is False, not True",)

    @pytest.mark.parametrize("status", ["incomplete", "aborted"])
    def test_a_sync_that_did_not_end(self, status: str):
        (found,) = opened(with_database(there(), initial_sync_status=status))
        assert (found.kind, found.what) == ("sync", (f"is {status}",))

    @pytest.mark.parametrize("mode", ["disable", "prefer"])
    def test_the_warehouses_ssl_mode_is_handed_on(self, mode: str):
        details = connection(METABASE, WAREHOUSE.model_copy(update={"sslmode": mode}))
        assert (details["ssl"], details.get("ssl-mode")) == (
            mode != "disable",
            None if mode == "disable" else mode,
        )
        assert not [name for name in details if "cert" in name]

    @pytest.mark.parametrize("mode", ["verify-ca", "verify-full"])
    def test_a_warehouse_that_is_to_be_verified_is_by_certificates_that_metabase_has(self, mode: str):
        strict = WAREHOUSE.model_copy(update={"sslmode": mode})
        details = connection(METABASE, strict)
        assert (details["ssl"], details["ssl-mode"]) == (True, mode)
        assert details["ssl-root-cert-options"] == "local"
        assert details["ssl-root-cert-path"] == METABASE.postgres_sslrootcert == "/app/certs/bundle.pem"
        wanted = render(load(), METABASE, strict)
        assert opened(there(wanted), wanted) == []
        without = METABASE.model_copy(update={"postgres_sslrootcert": ""})
        with pytest.raises(MetabaseError, match=f"SSLROOTCERT is empty: ECOM_POSTGRES_SSLMODE={mode} ne"):
            connection(without, strict)

    def test_its_address_is_the_warehouses_unless_metabase_sees_another(self):
        assert (METABASE.postgres_host, connection(METABASE, WAREHOUSE)["host"]) == ("postgres", "postgres")
        endpoint = MetabaseEndpoint().variables() | {"ECOM_METABASE_URL": "http://m"}
        endpoint |= {name: VARIABLES[name] for name in VARIABLES if "METABASE_ADMIN" in name}
        same = connection(from_variables(MetabaseSettings, endpoint), WAREHOUSE)
        assert (same["host"], same["port"]) == (WAREHOUSE.host, WAREHOUSE.port)


class TestMatching:
    def test_a_card_with_another_name_and_our_query_is_ours(self):
        actual = replace(there(), cards=with_first(there().cards, name="Mine"))
        (found,) = opened(actual)
        assert found.what == (f"name is 'Mine', not {WANTED.cards[0].name!r}",)

    def test_two_such_cards_are_not(self):
        cards = with_first(there().cards, name="Mine")
        actual = replace(there(), cards=(*cards, cards[0] | {"id": 999, "name": "Mine too"}))
        found = compare(WANTED, actual)
        assert [one.name for one in found if one.action == "unmanaged"] == ["Mine", "Mine too"]
        assert ("card", "create") in [(one.kind, one.action) for one in found]

    def test_the_same_name_twice_is_refused_with_both_ids(self):
        cards = there().cards
        actual = replace(there(), cards=(*cards, cards[0] | {"id": 999}))
        with pytest.raises(MetabaseError, match=r"2 cards in our collection are named .* \(ids 100, 999\)"):
            compare(WANTED, actual)

    def test_both_forms_of_a_query_are_read(self):
        old = {"database": OURS, "type": "native", "native": {"query": WANTED.cards[0].sql}}
        assert opened(replace(there(), cards=with_first(there().cards, dataset_query=old))) == []

    @pytest.mark.parametrize("query", [None, {}, {"stages": []}, {"stages": [{"source-table": 1}]}])
    def test_a_query_that_is_no_sql_is_no_sql(self, query: Any):
        assert sql_of({"dataset_query": query}) == ""


class TestDashcards:
    def test_ids_are_used_again_by_card_and_new_ones_are_negative(self):
        wanted: list[dict[str, Any]] = [{"card_id": one, "row": 3} for one in (None, 8, 7, 9)]
        present: list[dict[str, Any]] = [
            {"id": 71, "card_id": 7},
            {"id": 70, "card_id": None},
            {"id": 72, "card_id": 7},
        ]
        assert [one["id"] for one in with_ids(wanted, present)] == [70, -2, 71, -4]

    def test_what_people_add_to_our_dashboard_is_a_difference(self):
        actual, place = there(), {"row": 0, "col": 0, "size_x": 1, "size_y": 1}
        actual.dashboards[0]["dashcards"].append({"id": 1, "card_id": 555, **place})
        assert opened(actual)[0].what == ("shows card 555 too",)


class TestAccess:
    def test_all_users_lose_queries_on_our_database_and_keep_the_rest(self):
        access = {"view-data": "unrestricted", "create-queries": "query-builder"}
        graph = Graph(3, {str(EVERYBODY): {str(OURS): dict(access), "9": dict(access)}})
        changes = data_changes(replace(there(), data_graph=graph))
        assert changes == {str(EVERYBODY): {str(OURS): access | {"create-queries": "no"}}}

    def test_viewers_lose_queries_on_every_database(self):
        access = {"create-queries": "query-builder-and-native"}
        graph = Graph(3, {str(VIEWERS): {str(OURS): dict(access), "9": dict(access)}})
        changes = data_changes(replace(there(), data_graph=graph))
        assert changes == {str(VIEWERS): {one: {"create-queries": "no"} for one in (str(OURS), "9")}}

    def test_a_collection_that_the_graph_does_not_name_is_seen_by_nobody(self):
        changes = collection_changes(replace(there(), collection_graph=Graph(3, {})))
        assert changes == {str(VIEWERS): {str(SHELF): "read"}}


class TestDrawing:
    COLUMNS: ClassVar[list[dict[str, str]]] = [
        {"name": "day", "role": "dimension", "type": "date", "label": "Day (UTC)"},
        {"name": "currency", "role": "panel", "type": "text", "label": "Currency"},
        {
            "name": "revenue",
            "role": "measure",
            "type": "decimal",
            "label": "Revenue",
            "unit_from": "currency",
        },
        {"name": "orders", "role": "detail", "type": "integer", "label": "Orders placed", "unit": "orders"},
        {"name": "share", "role": "detail", "type": "decimal", "label": "Share", "unit": "%"},
        {"name": "at", "role": "detail", "type": "timestamp", "label": "As of (UTC)"},
    ]

    def settings(self, kind: str, columns: list[dict[str, str]]) -> dict[str, Any]:
        chart = {
            "key": "c",
            "title": "C",
            "question": "Why?",
            "chart": kind,
            "refresh_s": 5,
            "empty": "None.",
        }
        place = {"row": 0, "col": 0, "size_x": 4, "size_y": 4}
        declared = Chart.model_validate(chart | {"position": place, "columns": columns, "sql": "SELECT 1"})
        head = {"key": "d", "title": "D", "description": "All.", "order": 1}
        board = Dashboard.model_validate(head | {"charts": [declared]})
        return render([board], METABASE, WAREHOUSE).cards[0].settings

    def test_a_line_has_named_axes_a_line_per_panel_and_a_scale_of_time(self):
        settings = self.settings("line", self.COLUMNS)
        del settings["column_settings"]
        assert settings == {
            "graph.dimensions": ["day", "currency"],
            "graph.metrics": ["revenue"],
            "graph.x_axis.scale": "timeseries",
            "graph.x_axis.title_text": "Day (UTC)",
            "graph.y_axis.title_text": "Revenue (in its currency)",
        }

    def test_columns_have_their_labels_units_and_formats(self):
        number = {"number_style": "decimal", "number_separators": ".,"}
        date = {"date_style": "YYYY/M/D", "date_separator": "-"}
        assert self.settings("line", self.COLUMNS)["column_settings"] == {
            '["name","day"]': {"column_title": "Day (UTC)", **date, "time_enabled": None},
            '["name","currency"]': {"column_title": "Currency"},
            '["name","revenue"]': {"column_title": "Revenue", **number, "decimals": 2},
            '["name","orders"]': {"column_title": "Orders placed", **number, "suffix": " orders"},
            '["name","share"]': {"column_title": "Share", **number, "suffix": "%"},
            '["name","at"]': {
                "column_title": "As of (UTC)", **date, "time_enabled": "seconds", "time_style": "HH:mm"
            },
        }  # fmt: skip

    def test_words_stand_side_by_side_and_a_scalar_is_one_figure(self):
        words = [self.COLUMNS[1] | {"role": "dimension"}, self.COLUMNS[3] | {"role": "measure"}]
        assert self.settings("row", words)["graph.x_axis.scale"] == "ordinal"
        assert self.settings("row", words)["graph.y_axis.title_text"] == "Orders placed"
        assert self.settings("scalar", words[1:])["scalar.field"] == "orders"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"json": {"message": "no\nroute"}}, "no route"),
        ({"json": {"errors": {"user": {"password": "too common"}}}}, "user.password: too common"),
        ({"json": {"password": "wrong"}}, "password: wrong"),
        ({"text": "Unauthenticated"}, "Unauthenticated"),
        ({"text": ""}, "without a reason"),
    ],
)
def test_a_refusal_is_told_in_one_line(body: dict[str, Any], told: str):
    assert reason(httpx.Response(400, **body)) == told


def test_a_name_without_a_record_is_told_as_that():
    class Nowhere(MetabaseHttp):
        def raw_get(self, path: str) -> httpx.Response:
            raise httpx.ConnectError("[Errno -2] Name or service not known") from socket.gaierror(-2)

    with pytest.raises(
        MetabaseError, match=r"its name bi\.example\.com does not resolve: has it a DNS record"
    ):
        wait_until_up(Nowhere("https://bi.example.com"), 0, lambda _: None)
