"""The seed in a real PostgreSQL: loaded once, the same for the same plan, refused beside another."""

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime
from typing import Any

import psycopg2
import pytest

from infra.platform import Platform
from pipeline.database import connect
from pipeline.locks import WRITERS_LOCK
from pipeline.migrate import migrate
from pipeline.settings import PostgresSettings, load
from producer.evolve import EvolvePlan, evolve
from producer.seed import SeedPlan, SeedRefused, seed

PLAN = SeedPlan(customers=200, products=40, orders=2_000, days=30, seed=7, until=date(2026, 6, 1))


@pytest.fixture
def settings(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> Iterator[PostgresSettings]:
    """An empty, migrated database of the test's own; its variables are in the environment."""
    monkeypatch.setenv("ECOM_HOME", "/nobody")  # or an `ecom up` in this clone would be named on stderr
    name = f"seed_{uuid.uuid4().hex[:8]}"
    for variable, value in platform.as_env().items():
        monkeypatch.setenv(variable, value)
    with closing(connect(load(PostgresSettings), "admin")) as admin:
        admin.autocommit = True
        cursor = admin.cursor()
        cursor.execute(f"CREATE DATABASE {name}")
        monkeypatch.setenv("ECOM_POSTGRES_DATABASE", name)
        own = load(PostgresSettings)
        migrate(own)
        yield own
        cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")


def rows(settings: PostgresSettings, query: str) -> list[tuple[Any, ...]]:
    with closing(connect(settings, "admin")) as connection, connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchall()


def checksums(settings: PostgresSettings) -> list[tuple[Any, ...]]:
    """Return a digest of each raw table, without what depends on when it was loaded."""
    return [
        rows(
            settings,
            f"""SELECT count(*), md5(string_agg(text, '' ORDER BY text))
                FROM (SELECT (to_jsonb(t) - 'ingested_at' - 'raw_id')::text AS text
                      FROM raw.{table} t) AS rows""",
        )[0]
        for table in ("customers", "products", "orders")
    ]


def ecom(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-c", "from cli.main import run; run()", *arguments]
    return subprocess.run(command, env=os.environ, capture_output=True, text=True, check=False)


def test_rows_arrive_consistent_and_the_report_counts_them(settings: PostgresSettings):
    progress: list[tuple[int, int]] = []
    report = seed(settings, PLAN, lambda done, total: progress.append((done, total)))
    counts = [count for count, _ in checksums(settings)]
    assert [report.customer_rows, report.product_rows, report.order_rows] == counts
    assert progress == [(0, report.order_rows), (report.order_rows, report.order_rows)]
    assert rows(settings, "SELECT count(DISTINCT order_id) FROM raw.orders") == [(2_000,)]
    wrong_price = """
        SELECT count(*) FROM raw.orders o
        WHERE (o.unit_price, o.currency) <> (
            SELECT p.unit_price, p.currency FROM raw.products p
            WHERE p.product_id = o.product_id AND p.effective_at <= o.ordered_at
            ORDER BY p.effective_at DESC LIMIT 1)"""
    assert rows(settings, wrong_price) == [(0,)]
    strangers = (
        "SELECT count(*) FROM raw.orders WHERE customer_id NOT IN (SELECT customer_id FROM raw.customers)"
    )
    assert rows(settings, strangers) == [(0,)]
    span = "SELECT min(ordered_at) >= '2026-05-02', max(event_time) < '2026-06-01' FROM raw.orders"
    assert rows(settings, span) == [(True, True)]


def test_the_same_plan_again_changes_nothing_and_another_is_refused(settings: PostgresSettings):
    seed(settings, PLAN)
    before = checksums(settings)
    assert seed(settings, PLAN).already_seeded
    # Without a last day, whichever day is there will do: tomorrow's `make demo` is not another seed.
    again = seed(settings, SeedPlan(200, 40, 2_000, 30, 7))
    assert (again.already_seeded, again.plan.until) == (True, PLAN.until)
    for other in (SeedPlan(200, 40, 2_000, 30, 8), SeedPlan(200, 40, 2_000, 30, 7, date(2026, 6, 2))):
        with pytest.raises(SeedRefused, match="ecom down --wipe"):
            seed(settings, other)
    assert checksums(settings) == before


def test_a_plan_gives_the_same_rows_in_an_empty_warehouse(settings: PostgresSettings):
    seed(settings, PLAN)
    before = checksums(settings)
    rows_deleted = "TRUNCATE raw.orders, raw.customers, raw.products"
    with closing(connect(settings, "admin")) as connection, connection, connection.cursor() as cursor:
        cursor.execute(rows_deleted)
    seed(settings, PLAN)
    assert checksums(settings) == before


def test_a_seed_that_breaks_off_leaves_nothing(settings: PostgresSettings):
    def break_off(done: int, total: int) -> None:
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        seed(settings, PLAN, break_off)
    assert [count for count, _ in checksums(settings)] == [0, 0, 0]


def test_the_command_publishes_and_says_what_to_do(settings: PostgresSettings):
    options = ("--customers", "100", "--products", "20", "--orders", "500", "--days", "10")
    done = ecom("seed", *options, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["plan"]["orders"] == 500
    facts = "SELECT count(*) FROM curated.fact_orders WHERE customer_key <> 0 AND product_key <> 0"
    customers = "SELECT count(*) FROM curated.dim_customers WHERE is_current AND customer_key <> 0"
    assert [rows(settings, query) for query in (facts, customers)] == [[(500,)], [(100,)]]
    assert "already seeded" in ecom("seed", *options).stdout
    refused = ecom("seed", *options, "--seed", "1")
    assert refused.returncode == 1
    assert refused.stderr.startswith("error: the warehouse holds another seed already")
    assert refused.stderr.count("\n") == 1
    future = ecom("seed", "--until", "2999-01-01")
    assert (future.returncode, "--until" in future.stderr) == (2, True)


NEWEST = """
SELECT DISTINCT ON (customer_id) customer_id, name, email, country, segment FROM raw.customers
ORDER BY customer_id, effective_at DESC
"""


def test_evolving_appends_changes_once_and_touches_nothing_else(settings: PostgresSettings):
    at = datetime(2026, 7, 1, 12, tzinfo=UTC)
    with pytest.raises(SeedRefused, match="run `ecom seed` first"):
        evolve(settings, EvolvePlan(at))
    seed(settings, PLAN)
    before = rows(settings, NEWEST)
    report = evolve(settings, EvolvePlan(at, customers=0.2, products=0.5))
    after = rows(settings, NEWEST)
    changed = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    assert len(changed) == report.customer_rows
    assert 20 < report.customer_rows < 60
    assert all(old[:4] == new[:4] for old, new in changed)
    prices = """SELECT count(*) FROM raw.products AS new WHERE effective_at = '2026-07-01 12:00Z'
        AND NOT EXISTS (SELECT FROM raw.products AS old WHERE old.product_id = new.product_id
            AND old.effective_at < new.effective_at
            AND (old.name, old.currency) <> (new.name, new.currency))"""
    assert rows(settings, prices) == [(report.product_rows,)]
    again = evolve(settings, EvolvePlan(at, customers=0.2, products=0.5))
    assert (again.customer_rows, again.product_rows) == (0, 0)


def test_a_seed_waits_for_a_publication(settings: PostgresSettings):
    with closing(connect(settings, "etl")) as publication:
        publication.cursor().execute("SELECT pg_advisory_xact_lock(%s)", (WRITERS_LOCK,))
        with closing(connect(settings, "admin")) as admin:
            admin.autocommit = True
            admin.cursor().execute("ALTER ROLE ingest SET lock_timeout = '50ms'")
            try:
                with pytest.raises(psycopg2.errors.LockNotAvailable):
                    seed(settings, PLAN)
            finally:
                admin.cursor().execute("ALTER ROLE ingest RESET lock_timeout")
