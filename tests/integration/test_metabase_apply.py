"""`apply` on a Metabase that nobody has touched, and again, and where it can't."""

import os
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import httpx
import pytest

from dashboards.metabase.errors import MetabaseError
from dashboards.metabase.provision import Provisioner
from dashboards.metabase.render import connection
from dashboards.metabase.wanted import COLLECTION, GROUP
from dashboards.spec_files import load as load_spec
from environments.embedded.ports import any_free
from pipeline.settings import MetabaseSettings, PostgresSettings
from tests.integration.conftest import Connect
from tests.integration.metabase_contents import (
    collection_id,
    database_id,
    groups,
    items,
    one_of,
    put,
)  # fmt: skip
from tests.metabase_server import MetabaseServer, Options, Received
from tests.metabase_server.calls import cards as card_calls

SPEC = load_spec()
CARDS = [chart.title for dashboard in SPEC for chart in dashboard.charts]


class _Silent(BaseHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


def opened(provisioner: Provisioner) -> list[str]:
    return [f"{one.action} {one.kind} {one.name}" for one in provisioner.plan() if one.is_open]


class TestFirstApply:
    def test_the_plan_says_what_will_be_made_and_writes_nothing(
        self, provisioner: Provisioner, metabase: MetabaseServer
    ):
        planned = provisioner.plan()
        assert metabase.writes() == []
        assert {one.action for one in planned} == {"create"}
        assert planned[0].kind == "account"
        assert [one.name for one in planned if one.kind == "card"] == CARDS
        assert [one.name for one in planned if one.kind == "dashboard"] == [one.title for one in SPEC]

    def test_it_makes_what_was_planned_and_every_query_works(
        self, provisioner: Provisioner, metabase: MetabaseServer
    ):
        planned = provisioner.plan()
        applied = provisioner.apply()
        assert applied.differences == planned
        assert applied.failed == ()
        queries = [one.path for one in metabase.received if one.path.endswith("/query")]
        assert len(set(queries)) == len(CARDS)
        assert metabase.writes().count("POST /api/card") == len(CARDS)

    def test_the_second_sends_no_write_at_all(self, provisioner: Provisioner, metabase: MetabaseServer):
        provisioner.apply()
        before = metabase.writes()
        applied = provisioner.apply()
        assert metabase.writes() == before
        assert {one.action for one in applied.differences} == {"unchanged"}
        assert applied.failed == ()
        assert opened(provisioner) == []

    def test_cards_say_what_the_spec_says(self, hands: httpx.Client, provisioner: Provisioner):
        drawn = {card.name: card.settings for card in provisioner.wanted.cards}
        for chart in (chart for board in SPEC for chart in board.charts):
            card = one_of(hands, "card", chart.title)
            assert (card["description"], card["display"]) == (chart.question, chart.chart)
            assert card["dataset_query"]["stages"][0]["native"] == chart.sql
            assert card["visualization_settings"] == drawn[chart.title]

    def test_settings_name_the_columns_that_the_queries_answer_with(
        self, hands: httpx.Client, metabase: MetabaseServer
    ):
        for title in CARDS:
            card = one_of(hands, "card", title)
            answer = hands.post(f"/api/card/{card['id']}/query").json()
            settings = card["visualization_settings"]
            named = {
                name.removeprefix('["name","').removesuffix('"]') for name in settings["column_settings"]
            }
            drawn = {*settings.get("graph.dimensions", ()), *settings.get("graph.metrics", ())}
            columns = {one["name"] for one in answer["data"]["cols"]}
            assert named == columns
            assert drawn <= columns
            assert settings.get("scalar.field", next(iter(columns))) in columns

    def test_dashboards_stand_as_the_spec_has_them_below_a_refresh_link(self, hands: httpx.Client):
        for declared in SPEC:
            dashboard = one_of(hands, "dashboard", declared.title)
            link, *charts = dashboard["dashcards"]
            assert f"(/dashboard/{dashboard['id']}#refresh=30)" in link["visualization_settings"]["text"]
            assert dashboard["description"] == declared.description
            for chart, dashcard in zip(declared.charts, charts, strict=True):
                at = chart.position
                assert dashcard["card"]["name"] == chart.title
                place = [dashcard[name] for name in ("row", "col", "size_x", "size_y")]
                assert place == [at.row + 1, at.col, at.size_x, at.size_y]

    def test_viewers_may_look_and_nobody_else_may(self, hands: httpx.Client):
        viewers, everybody = groups(hands)
        access = hands.get("/api/collection/graph").json()["groups"]
        ours = str(collection_id(hands))
        assert (access[viewers][ours], access[everybody][ours]) == ("read", "none")
        data = hands.get("/api/permissions/graph").json()["groups"]
        for group in (viewers, everybody):
            assert "create-queries" not in data.get(group, {}).get(str(database_id(hands)), {})

    def test_metabase_connects_as_the_role_that_reads_curated_only(
        self, hands: httpx.Client, database: PostgresSettings
    ):
        details = hands.get(f"/api/database/{database_id(hands)}").json()["details"]
        assert details["user"] == "bi_readonly"
        assert details["password"] == "**MetabasePass**"
        assert (details["schema-filters-type"], details["schema-filters-patterns"]) == (
            "inclusion",
            "curated",
        )

    def test_what_metabase_sees_of_the_warehouse_may_have_another_address(
        self, provisioner: Provisioner, database: PostgresSettings, metabase_settings: MetabaseSettings
    ):
        seen = metabase_settings.model_copy(update={"postgres_host": "postgres", "postgres_port": 5432})
        assert connection(seen, database) == provisioner.wanted.details | {"host": "postgres", "port": 5432}


class TestStarting:
    def test_a_metabase_that_starts_is_waited_for(self, provisioner: Provisioner):
        said: list[str] = []
        with MetabaseServer(Options(starting_polls=3)) as server:
            there = provisioner.metabase.model_copy(update={"url": server.url})
            applied = replace(provisioner, metabase=there, say=said.append).apply()
        assert applied.failed == ()
        assert said[0] == f"waiting for Metabase at {server.url}: starting, 40% done"

    def test_one_that_never_is_up_is_given_up(self, provisioner: Provisioner):
        with MetabaseServer(Options(starting_polls=10**9)) as server:
            there = provisioner.metabase.model_copy(update={"url": server.url})
            with pytest.raises(MetabaseError, match="is not up after 0 s: starting, 40% done"):
                replace(provisioner, metabase=there, wait_s=0).apply()

    def test_nobody_there(self, provisioner: Provisioner):
        there = provisioner.metabase.model_copy(update={"url": f"http://127.0.0.1:{any_free()}"})
        with pytest.raises(MetabaseError, match=r"is not up after 0 s: .*Connection refused"):
            replace(provisioner, metabase=there, wait_s=0).plan()

    @pytest.fixture
    def other_site(self) -> Iterator[str]:
        """A server that knows no GET."""
        site = HTTPServer(("127.0.0.1", 0), _Silent)
        thread = Thread(target=site.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield f"http://127.0.0.1:{site.server_port}"
        site.shutdown()
        site.server_close()
        thread.join()

    def test_something_else_there(self, provisioner: Provisioner, other_site: str):
        there = provisioner.metabase.model_copy(update={"url": other_site})
        with pytest.raises(MetabaseError, match="is not a Metabase: GET /api/health answered 501"):
            replace(provisioner, metabase=there).plan()

    @pytest.mark.parametrize("version", ["v0.57.9", "v0.59.2", "v1.59.0", "vLOCAL_DEV"])
    def test_versions_that_are_not_supported(self, provisioner: Provisioner, version: str):
        with MetabaseServer(Options(version=version)) as server:
            there = provisioner.metabase.model_copy(update={"url": server.url})
            with pytest.raises(MetabaseError, match=f"is {version}: supported are v58 and later, except v59"):
                replace(provisioner, metabase=there).apply()
            assert server.writes() == []

    @pytest.mark.parametrize("version", ["v0.58.1", "v1.58.2", "v0.65.0-beta"])
    def test_versions_that_are(self, provisioner: Provisioner, version: str):
        with MetabaseServer(Options(version=version)) as server:
            there = provisioner.metabase.model_copy(update={"url": server.url})
            assert replace(provisioner, metabase=there).plan()


class TestPasswords:
    def test_a_wrong_one_is_told_with_its_place_and_not_itself(
        self, provisioner: Provisioner, metabase_settings: MetabaseSettings
    ):
        provisioner.apply()
        place = Path(metabase_settings.admin_password_ref.removeprefix("file:"))
        place.write_text("not-the-one-2")
        with pytest.raises(MetabaseError) as refused:
            provisioner.plan()
        assert "did not match stored password" in str(refused.value)
        assert f"'admin@example.com' (password from file:{place})" in str(refused.value)
        assert "not-the-one-2" not in str(refused.value)
        assert "\n" not in str(refused.value)

    def test_throttling_is_told(self, provisioner: Provisioner, metabase_settings: MetabaseSettings):
        provisioner.apply()
        Path(metabase_settings.admin_password_ref.removeprefix("file:")).write_text("not-the-one-2")
        for _ in range(10):
            with pytest.raises(MetabaseError, match="did not match"):
                provisioner.plan()
        with pytest.raises(MetabaseError, match="Too many attempts"):
            provisioner.plan()

    def test_a_weak_one_is_refused_at_the_set_up(
        self, provisioner: Provisioner, metabase_settings: MetabaseSettings
    ):
        Path(metabase_settings.admin_password_ref.removeprefix("file:")).write_text("weak")
        with pytest.raises(MetabaseError, match="password is too common") as refused:
            provisioner.apply()
        assert "(password from file:" in str(refused.value)

    def test_the_warehouses_is_sent_again_when_queries_fail(
        self,
        provisioner: Provisioner,
        hands: httpx.Client,
        metabase: MetabaseServer,
        log_in: Connect,
        tmp_path: Path,
    ):
        old = provisioner.warehouse.password("bi_readonly")
        rotated = tmp_path / "bi_readonly"
        rotated.write_text("rotated-since")
        warehouse = provisioner.warehouse.model_copy(update={"bi_readonly_password_ref": f"file:{rotated}"})
        cursor = log_in().cursor()
        cursor.execute("ALTER ROLE bi_readonly PASSWORD 'rotated-since'; COMMIT")
        try:
            now = replace(provisioner, warehouse=warehouse)
            (database,) = [one for one in now.plan() if one.is_open]
            assert database.kind == "database"
            assert "password authentication failed" in database.what[0]
            before = len(metabase.writes())
            assert now.apply().failed == ()
            assert metabase.writes()[before:] == [f"PUT /api/database/{database_id(hands)}"]
            assert opened(now) == []
        finally:
            cursor.execute("ALTER ROLE bi_readonly PASSWORD %s; COMMIT", (old,))

    def test_it_is_sent_again_on_demand(
        self, provisioner: Provisioner, hands: httpx.Client, metabase: MetabaseServer
    ):
        before = len(metabase.writes())
        assert provisioner.apply(send_password=True).failed == ()
        assert metabase.writes()[before:] == [f"PUT /api/database/{database_id(hands)}"]

    def test_a_wrong_one_for_the_warehouse_is_told_by_metabase(
        self, provisioner: Provisioner, tmp_path: Path
    ):
        (tmp_path / "wrong").write_text("never-this-one")
        wrong = {"bi_readonly_password_ref": f"file:{tmp_path / 'wrong'}"}
        warehouse = provisioner.warehouse.model_copy(update=wrong)
        with pytest.raises(MetabaseError, match="password authentication failed") as refused:
            replace(provisioner, warehouse=warehouse).apply()
        assert "never-this-one" not in str(refused.value)


class TestRefusals:
    @pytest.mark.parametrize(
        ("path", "name", "kind"),
        [
            ("/api/collection", COLLECTION, "collections"),
            ("/api/permissions/group", GROUP, "groups"),
            ("/api/dashboard", SPEC[0].title, "dashboards in our collection"),
        ],
    )
    def test_a_name_that_is_there_twice_is_refused_with_its_ids(
        self,
        provisioner: Provisioner,
        hands: httpx.Client,
        metabase: MetabaseServer,
        path: str,
        name: str,
        kind: str,
    ):
        second = {"name": name}
        if path == "/api/dashboard":
            second["collection_id"] = str(collection_id(hands))
            first = one_of(hands, "dashboard", name)["id"]
            made = hands.post(path, json={"name": name, "collection_id": collection_id(hands)}).json()["id"]
        else:
            listed = hands.get(path).json() if path.endswith("group") else items(hands, "root")
            first = next(one["id"] for one in listed if one["name"] == name)
            made = hands.post(path, json={"name": name}).json()["id"]
        before = metabase.writes()
        with pytest.raises(MetabaseError) as refused:
            provisioner.apply()
        assert str(refused.value).startswith(f"2 {kind} are named {name!r} (ids {first}, {made})")
        assert metabase.writes() == before

    def test_the_same_name_elsewhere_is_no_concern(self, provisioner: Provisioner, hands: httpx.Client):
        card = one_of(hands, "card", CARDS[0])
        elsewhere = hands.post("/api/collection", json={"name": "Mine"}).json()["id"]
        for place in (None, elsewhere):
            hands.post("/api/card", json=card | {"collection_id": place}).raise_for_status()
        assert opened(provisioner) == []

    def test_what_metabase_drops_in_silence_is_found(
        self, provisioner: Provisioner, monkeypatch: pytest.MonkeyPatch
    ):
        kept = tuple(key for key in card_calls._KEYS if key != "description")
        monkeypatch.setattr(card_calls, "_KEYS", kept)
        with pytest.raises(MetabaseError, match=r"did not keep .*: card .*\(description differs"):
            provisioner.apply()

    def test_broken_sql_is_reported_and_the_rest_is_there(self, provisioner: Provisioner):
        first, *others = provisioner.wanted.cards
        wrong = replace(first, sql="SELECT nothing FROM curated.nowhere")
        applied = replace(provisioner, wanted=replace(provisioner.wanted, cards=(wrong, *others))).apply()
        assert [one.card for one in applied.failed] == [first.name]
        assert 'relation "curated.nowhere" does not exist' in applied.failed[0].error
        assert "\n" not in applied.failed[0].error

    def test_somebody_who_changes_permissions_meanwhile_is_not_overwritten(
        self, provisioner: Provisioner, metabase: MetabaseServer
    ):
        met: list[str] = []

        def meanwhile(received: Received, number: int) -> None:
            if received.path.endswith("/graph") and received.path not in met:
                met.append(received.path)
                name = "data_graph" if "permissions" in received.path else "collection_graph"
                metabase.api._state[name]["revision"] += 1

        metabase.before = meanwhile
        assert provisioner.apply().failed == ()
        assert len(met) == 2
        assert metabase.writes().count("PUT /api/permissions/graph") == 2


def test_no_secret_is_in_what_is_said(
    provisioner: Provisioner, metabase_settings: MetabaseSettings, database: PostgresSettings
):
    said: list[str] = []
    applied = replace(provisioner, say=said.append).apply()
    text = "\n".join(said) + repr(applied) + repr(provisioner) + repr(os.environ)
    assert metabase_settings.admin_password() not in text
    assert database.password("bi_readonly") not in text


def test_only_what_differs_is_planned(provisioner: Provisioner, hands: httpx.Client):
    put(hands, f"/api/collection/{collection_id(hands)}", description="mine now")
    assert opened(provisioner) == [f"update collection {COLLECTION}"]
