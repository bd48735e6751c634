"""The stand-in for Metabase does what METABASE.md says, quirk by quirk; no client of ours is used here."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from environments.embedded.ports import any_free
from pipeline.settings import PostgresSettings
from tests.metabase_server import Dropped, MetabaseServer, Options

ADMIN = {"email": "admin@example.com", "password": "long-enough-1", "first_name": "A", "last_name": "B"}
PREFS = {"site_name": "Shop", "site_locale": "en"}


@pytest.fixture
def http(metabase: MetabaseServer) -> Iterator[httpx.Client]:
    """Nobody is logged in."""
    with httpx.Client(base_url=metabase.url, trust_env=False) as client:
        yield client


@pytest.fixture
def admin(http: httpx.Client) -> httpx.Client:
    http.headers["X-Metabase-Session"] = set_up(http).json()["id"]
    return http


@pytest.fixture
def database_id(admin: httpx.Client, database: PostgresSettings) -> int:
    return int(admin.post("/api/database", json=warehouse(database)).json()["id"])


def set_up(http: httpx.Client, **user: str) -> httpx.Response:
    token = http.get("/api/session/properties").json()["setup-token"]
    return http.post("/api/setup", json={"token": token, "user": ADMIN | user, "prefs": PREFS})


def warehouse(database: PostgresSettings, **details: Any) -> dict[str, Any]:
    return {
        "name": "shop",
        "engine": "postgres",
        "is_full_sync": True,
        "is_on_demand": False,
        "details": {
            "host": database.host,
            "port": database.port,
            "dbname": database.database,
            "user": "bi_readonly",
            "password": database.password("bi_readonly"),
            "schema-filters-type": "inclusion",
            "schema-filters-patterns": "curated",
            "ssl": False,
            "tunnel-enabled": False,
        }
        | details,
    }


def question(database_id: int, sql: str = "SELECT 1 AS one", **changes: Any) -> dict[str, Any]:
    stage = {"lib/type": "mbql.stage/native", "native": sql}
    return {
        "name": "One",
        "type": "question",
        "display": "scalar",
        "description": None,
        "collection_id": None,
        "visualization_settings": {"scalar.field": "one"},
        "dataset_query": {"lib/type": "mbql/query", "database": database_id, "stages": [stage]},
    } | changes


def test_while_it_starts_health_is_json_and_everything_else_plain_text():
    with MetabaseServer(Options(starting_polls=2)) as server, httpx.Client(base_url=server.url) as http:
        for _ in range(2):
            refused = http.get("/api/session/properties")
            assert refused.status_code == 503
            assert refused.headers["Content-Type"].startswith("text/plain")
            health = http.get("/api/health")
            assert (health.status_code, health.json()["status"]) == (503, "initializing")
            assert 0 < health.json()["progress"] < 1
        assert http.get("/api/health").json() == {"status": "ok"}
        assert http.get("/api/session/properties").status_code == 200


class TestSetUp:
    def test_the_properties_tell_token_users_and_version(self, http: httpx.Client):
        found = http.get("/api/session/properties").json()
        assert found["setup-token"]
        assert found["has-user-setup"] is False
        assert found["version"]["tag"] == "v0.60.2"

    def test_it_makes_the_first_user_and_a_session_once(self, http: httpx.Client):
        session = set_up(http).json()["id"]
        assert http.get("/api/session/properties").json()["has-user-setup"] is True
        assert http.get("/api/database", headers={"X-Metabase-Session": session}).status_code == 200
        body = {"token": "any", "user": ADMIN, "prefs": PREFS}
        assert http.post("/api/setup", json=body).status_code == 403

    def test_a_database_in_it_is_ignored(self, http: httpx.Client, database: PostgresSettings):
        token = http.get("/api/session/properties").json()["setup-token"]
        body = {"token": token, "user": ADMIN, "prefs": PREFS, "database": warehouse(database)}
        http.headers["X-Metabase-Session"] = http.post("/api/setup", json=body).json()["id"]
        assert http.get("/api/database").json() == {"data": [], "total": 0}

    @pytest.mark.parametrize("password", ["", "short1", "password1", "no-digits-here"])
    def test_a_weak_password_is_refused(self, http: httpx.Client, password: str):
        refused = set_up(http, password=password)
        assert refused.status_code == 400
        assert "password" in refused.json()["errors"]["user"]
        assert http.get("/api/session/properties").json()["has-user-setup"] is False

    def test_a_wrong_token_is_refused(self, http: httpx.Client):
        body = {"token": "guessed", "user": ADMIN, "prefs": PREFS}
        assert http.post("/api/setup", json=body).status_code == 400


class TestLogIn:
    def test_the_right_password_gives_a_session(self, admin: httpx.Client):
        answer = admin.post("/api/session", json={"username": ADMIN["email"], "password": ADMIN["password"]})
        assert (answer.status_code, list(answer.json())) == (200, ["id"])

    def test_a_wrong_one_is_refused_and_many_are_throttled(self, admin: httpx.Client):
        wrong = {"username": ADMIN["email"], "password": "wrong"}
        for _ in range(10):
            refused = admin.post("/api/session", json=wrong)
            assert (refused.status_code, list(refused.json()["errors"])) == (401, ["password"])
        right = admin.post("/api/session", json=wrong | {"password": ADMIN["password"]})
        assert right.status_code == 401
        assert "Too many attempts" in right.json()["errors"]["username"]

    @pytest.mark.parametrize("headers", [{}, {"X-Metabase-Session": "guessed"}])
    def test_without_a_session_nothing_is_told(self, http: httpx.Client, headers: dict[str, str]):
        set_up(http)
        for path in ("/api/database", "/api/collection/root/items", "/api/permissions/graph"):
            assert http.get(path, headers=headers).status_code == 401


class TestDatabases:
    def test_its_password_comes_back_masked(self, admin: httpx.Client, database: PostgresSettings):
        made = admin.post("/api/database", json=warehouse(database))
        assert made.status_code == 200
        listed = admin.get("/api/database").json()
        one = admin.get(f"/api/database/{made.json()['id']}").json()
        assert listed["total"] == 1
        for shown in (made.json(), listed["data"][0], one):
            assert shown["details"]["user"] == "bi_readonly"
            assert shown["details"]["password"] == "**MetabasePass**"
        assert database.password("bi_readonly") not in made.text

    def test_the_connection_is_tested(self, admin: httpx.Client, database: PostgresSettings):
        refused = admin.post("/api/database", json=warehouse(database, dbname="nowhere"))
        assert refused.status_code == 400
        assert 'database "nowhere" does not exist' in refused.json()["message"]
        assert admin.get("/api/database").json()["total"] == 0

    def test_put_merges_details_and_a_mask_keeps_the_password(self, admin: httpx.Client, database_id: int):
        path = f"/api/database/{database_id}"
        changed = admin.put(
            path, json={"details": {"password": "**MetabasePass**", "schema-filters-patterns": "c*"}}
        )
        assert changed.json()["details"]["user"] == "bi_readonly"
        assert changed.json()["details"]["schema-filters-patterns"] == "c*"
        card = admin.post("/api/card", json=question(database_id)).json()
        assert admin.post(f"/api/card/{card['id']}/query").json()["status"] == "completed"
        assert admin.put(path, json={"details": {"dbname": "nowhere"}}).status_code == 400
        assert admin.get(path).json()["details"]["dbname"] != "nowhere"

    def test_a_sync_takes_its_time(self, admin: httpx.Client, database_id: int):
        path = f"/api/database/{database_id}"
        assert admin.get(path).json()["initial_sync_status"] == "incomplete"
        assert admin.post(f"{path}/sync_schema").status_code == 200
        seen = [admin.get(path).json()["initial_sync_status"] for _ in range(3)]
        assert seen == ["incomplete", "complete", "complete"]


class TestCollectionsAndCards:
    def test_names_are_not_unique_and_items_tell_models(self, admin: httpx.Client, database_id: int):
        ids = [admin.post("/api/collection", json={"name": "Shop"}).json()["id"] for _ in range(2)]
        listed = admin.get("/api/collection/root/items", params={"models": "collection"}).json()
        assert [(one["id"], one["name"]) for one in listed["data"]] == [(one, "Shop") for one in ids]
        for _ in range(2):
            admin.post("/api/card", json=question(database_id, collection_id=ids[0]))
        admin.post("/api/dashboard", json={"name": "One", "collection_id": ids[0]})
        path = f"/api/collection/{ids[0]}/items?models=card&models=dashboard"
        assert sorted(one["model"] for one in admin.get(path).json()["data"]) == ["card", "card", "dashboard"]
        assert admin.get(f"/api/collection/{ids[0]}/items?models=dashboard").json()["total"] == 1
        assert admin.get(f"/api/collection/{ids[1]}/items").json()["data"] == []

    def test_unknown_keys_are_dropped_in_silence(self, admin: httpx.Client, database_id: int):
        made = admin.post("/api/card", json=question(database_id, colour="red", auto_refresh=60))
        assert made.status_code == 200
        assert {"colour", "auto_refresh"}.isdisjoint(
            made.json() | admin.get(f"/api/card/{made.json()['id']}").json()
        )

    def test_both_forms_of_a_query_are_taken_and_read_back_as_stages(
        self, admin: httpx.Client, database_id: int
    ):
        old = {"database": database_id, "type": "native", "native": {"query": "SELECT 2"}}
        card_id = admin.post("/api/card", json=question(database_id, dataset_query=old)).json()["id"]
        assert admin.get(f"/api/card/{card_id}").json()["dataset_query"]["stages"][0]["native"] == "SELECT 2"
        assert admin.get(f"/api/card/{card_id}?legacy-mbql=true").json()["dataset_query"] == old

    def test_an_empty_description_is_refused(self, admin: httpx.Client, database_id: int):
        assert admin.post("/api/card", json=question(database_id, description="")).status_code == 400

    def test_a_query_answers_202_and_its_body_says_whether_it_worked(
        self, admin: httpx.Client, database_id: int
    ):
        good = admin.post("/api/card", json=question(database_id)).json()["id"]
        bad = admin.post("/api/card", json=question(database_id, "SELECT FROM nowhere.x")).json()["id"]
        secret = admin.post("/api/card", json=question(database_id, "SELECT * FROM raw.orders")).json()["id"]
        worked, failed, denied = (admin.post(f"/api/card/{one}/query") for one in (good, bad, secret))
        assert [one.status_code for one in (worked, failed, denied)] == [202, 202, 202]
        assert worked.json()["status"] == "completed"
        assert worked.json()["data"]["rows"] == [[1]]
        assert [one["name"] for one in worked.json()["data"]["cols"]] == ["one"]
        assert failed.json()["status"] == "failed"
        assert 'relation "nowhere.x" does not exist' in failed.json()["error"]
        assert "permission denied" in denied.json()["error"]


class TestDashboards:
    @pytest.fixture
    def card_id(self, admin: httpx.Client, database_id: int) -> int:
        return int(admin.post("/api/card", json=question(database_id)).json()["id"])

    def dashcard(self, number: int, card_id: int | None, **changes: Any) -> dict[str, Any]:
        place = {"row": 0, "col": 0, "size_x": 12, "size_y": 4}
        return {"id": number, "card_id": card_id, "series": [], "parameter_mappings": []} | place | changes

    def test_dashcards_vanish_on_post(self, admin: httpx.Client, card_id: int):
        body = {"name": "D", "dashcards": [self.dashcard(-1, card_id)], "width": "full"}
        made = admin.post("/api/dashboard", json=body).json()
        assert made["dashcards"] == []
        assert admin.get(f"/api/dashboard/{made['id']}").json()["dashcards"] == []

    def test_put_makes_negative_ids_and_deletes_what_is_left_out(self, admin: httpx.Client, card_id: int):
        path = f"/api/dashboard/{admin.post('/api/dashboard', json={'name': 'D'}).json()['id']}"
        cards = [self.dashcard(-1, card_id), self.dashcard(-2, None, col=12)]
        made = admin.put(path, json={"dashcards": cards}).json()["dashcards"]
        assert all(one["id"] > 0 for one in made)
        assert [one["card_id"] for one in made] == [card_id, None]
        kept = admin.put(path, json={"dashcards": [made[0] | {"row": 5}]}).json()["dashcards"]
        assert [(one["id"], one["row"]) for one in kept] == [(made[0]["id"], 5)]
        renamed = admin.put(path, json={"name": "E"}).json()
        assert (renamed["name"], len(renamed["dashcards"])) == ("E", 1)

    def test_nothing_stands_beyond_24_columns(self, admin: httpx.Client, card_id: int):
        path = f"/api/dashboard/{admin.post('/api/dashboard', json={'name': 'D'}).json()['id']}"
        beyond = self.dashcard(-1, card_id, col=13)
        assert admin.put(path, json={"dashcards": [beyond]}).status_code == 400


class TestPermissions:
    def test_a_stale_revision_changes_nothing(self, admin: httpx.Client, database_id: int):
        collection = str(admin.post("/api/collection", json={"name": "Shop"}).json()["id"])
        group = str(admin.post("/api/permissions/group", json={"name": "Viewers"}).json()["id"])
        for path, change in (
            ("/api/collection/graph", {group: {collection: "read"}}),
            ("/api/permissions/graph", {group: {str(database_id): {"create-queries": "query-builder"}}}),
        ):
            seen = admin.get(path).json()
            body = {"revision": seen["revision"], "groups": change}
            assert admin.put(path, json=body).status_code == 200
            assert admin.put(path, json=body).status_code == 409
            now = admin.get(path).json()
            assert now["revision"] > seen["revision"]
            thing = next(iter(change[group]))
            assert now["groups"][group][thing] == change[group][thing]
            assert now["groups"]["1"] == seen["groups"]["1"]

    def test_everybody_may_write_and_query_until_somebody_restricts_it(
        self, admin: httpx.Client, database_id: int
    ):
        groups = {one["name"]: str(one["id"]) for one in admin.get("/api/permissions/group").json()}
        everybody, collection = groups["All Users"], admin.post("/api/collection", json={"name": "S"}).json()
        access = admin.get("/api/collection/graph").json()
        assert access["groups"][everybody][str(collection["id"])] == "write"
        data = admin.get("/api/permissions/graph").json()
        assert data["groups"][everybody][str(database_id)]["create-queries"] == "query-builder-and-native"
        restricted = {everybody: {str(database_id): {"create-queries": "no"}}}
        admin.put("/api/permissions/graph", json={"revision": data["revision"], "groups": restricted})
        # The least that is possible is not told.
        left = admin.get("/api/permissions/graph").json()["groups"][everybody][str(database_id)]
        assert "create-queries" not in left


class TestAsAProgram:
    def test_what_it_was_told_survives_a_kill(self, database: PostgresSettings):
        own = {
            "MB_DB_TYPE": "postgres",
            "MB_DB_HOST": database.host,
            "MB_DB_PORT": str(database.port),
            "MB_DB_DBNAME": database.database,
            "MB_DB_USER": database.admin_user,
            "MB_DB_PASS": database.password("admin"),
            "MB_JETTY_PORT": str(any_free()),
            "MB_ENCRYPTION_SECRET_KEY": "0123456789abcdef",
        }
        tokens = []
        for end in (signal.SIGKILL, signal.SIGTERM):
            program = self.start(own)
            with httpx.Client(base_url=f"http://127.0.0.1:{own['MB_JETTY_PORT']}", trust_env=False) as http:
                self.wait_until_up(http)
                found = http.get("/api/session/properties").json()
                tokens.append(found["setup-token"])
                if not found["has-user-setup"]:
                    assert set_up(http).status_code == 200
            program.send_signal(end)
            assert program.wait(10) in (0, -end)
        assert tokens[0]
        assert tokens[1] is None

    def start(self, own: dict[str, str]) -> subprocess.Popen:
        command = [sys.executable, "-m", "tests.metabase_server"]
        program = subprocess.Popen(command, env=os.environ | own, stdout=subprocess.PIPE, text=True)
        assert program.stdout is not None
        assert program.stdout.readline().startswith("listening on ")
        program.stdout.close()
        return program

    def wait_until_up(self, http: httpx.Client) -> None:
        for _ in range(1000):
            if http.get("/api/health").status_code == 200:
                return
        raise AssertionError("it did not start")

    def test_a_short_key_is_refused(self):
        command = [sys.executable, "-m", "tests.metabase_server"]
        key = {"MB_ENCRYPTION_SECRET_KEY": "short"}
        refused = subprocess.run(command, env=os.environ | key, capture_output=True, text=True, check=False)
        assert refused.returncode == 1
        assert "MB_ENCRYPTION_SECRET_KEY" in refused.stderr


def test_a_refused_call_changes_nothing_and_a_test_can_cut_the_line(
    metabase: MetabaseServer, admin: httpx.Client
):
    def cut(*_: object) -> None:
        raise Dropped

    metabase.before = cut
    with pytest.raises(httpx.TransportError):
        admin.post("/api/collection", json={"name": "never made"})
    metabase.before, metabase.after = lambda *_: None, cut
    with pytest.raises(httpx.TransportError):
        admin.post("/api/collection", json={"name": "made, not told"})
    listed = admin.get("/api/collection/root/items").json()["data"]
    assert [one["name"] for one in listed] == ["made, not told"]
    assert metabase.writes() == ["POST /api/setup", "POST /api/collection", "POST /api/collection"]
