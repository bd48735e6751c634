"""The gate: one planted fault, one failed check, nothing published; mended, the same run goes through."""

from collections.abc import Callable

import pytest

from pipeline.jobs.publish import StagingIncomplete
from pipeline.jobs.run import Selection
from pipeline.jobs.steps import Steps
from pipeline.quality.checks import NAMES
from pipeline.quality.runner import QualityFailed
from pipeline.settings import PostgresSettings
from tests.integration.members import add_customer, add_product
from tests.integration.quality_runs import (
    DAY,
    HISTORY,
    count_staged,
    failures,
    orders,
    publish_history,
    ready,
    refused,
    stage,
)
from tests.integration.readers import reading
from tests.integration.samples import uid

Sql = Callable[..., list[tuple]]
ONE = f"order_id = '{uid(9000, kind=1)}'"
FACT = "UPDATE staging.fact_orders SET"
CUSTOMER, PRODUCT = "UPDATE staging.dim_customers SET", "UPDATE staging.dim_products SET"
LAST = "customer_id = 43 AND valid_to > '9000-01-01Z'"
FIRST = "customer_id = 43 AND valid_from < '2000-01-01Z'"
SAME_VERSION = f"""
INSERT INTO staging.dim_customers SELECT 77, customer_id, name, country, segment, valid_from, valid_to
FROM staging.dim_customers WHERE {LAST}
"""
SAME_KEY = f"""
INSERT INTO staging.dim_customers SELECT customer_key, 99, name, country, segment, 'epoch', valid_to
FROM staging.dim_customers WHERE {LAST}
"""
PUBLISHED_KEY = """
INSERT INTO staging.dim_customers SELECT customer_key, 99, name, country, segment, valid_from, valid_to
FROM curated.dim_customers WHERE customer_id = 42
"""
TOO_MANY = f"""
INSERT INTO curated.fact_orders (order_id, order_version, event_id, ordered_at, customer_key, product_key,
    customer_id, product_id, quantity, unit_price, currency, status)
SELECT gen_random_uuid(), 1, gen_random_uuid(), '{DAY} 13:00Z', 0, 0, 42, 7, 1, 1, 'EUR', 'paid'
FROM generate_series(1, 16)
"""
# The check, what plants its fault, and what the first sample row has to say.
FAULTS: list[tuple[str, str, dict]] = [
    ("fact_orders_nulls", f"{FACT} customer_key = NULL WHERE {ONE}", {"nulls": ["customer_key"]}),
    ("fact_orders_nulls", f"{FACT} status = NULL WHERE {ONE}", {"nulls": ["status"]}),
    (
        "fact_orders_unique",
        f"INSERT INTO staging.fact_orders SELECT * FROM staging.fact_orders WHERE {ONE}",
        {"row_count": 2},
    ),
    (
        "fact_orders_complete",
        f"DELETE FROM staging.fact_orders WHERE {ONE}",
        {"order_id": uid(9000, kind=1)},
    ),
    ("fact_orders_customer_known", f"{FACT} customer_key = 5 WHERE {ONE}", {"customer_key": 5}),
    ("fact_orders_product_known", f"{FACT} product_key = 5 WHERE {ONE}", {"product_key": 5}),
    ("fact_orders_quantity", f"{FACT} quantity = 0 WHERE {ONE}", {"quantity": 0}),
    ("fact_orders_price", f"{FACT} unit_price = -1 WHERE {ONE}", {"unit_price": -1}),
    ("fact_orders_currency", f"{FACT} currency = 'XXX' WHERE {ONE}", {"currency": "XXX"}),
    ("fact_orders_status", f"{FACT} status = 'lost' WHERE {ONE}", {"status": "lost"}),
    ("fact_orders_volume_high", TOO_MANY, {"orders": 26, "usual": 10}),
    (
        "dim_customers_complete",
        "DELETE FROM staging.dim_customers WHERE customer_id = 44",
        {"customer_id": 44},
    ),
    ("dim_customers_nulls", f"{CUSTOMER} segment = NULL", {"nulls": ["segment"], "customer_id": 43}),
    ("dim_customers_country", f"{CUSTOMER} country = 'de'", {"country": "de"}),
    ("dim_customers_interval", f"{CUSTOMER} valid_to = valid_from WHERE {LAST}", {"customer_id": 43}),
    (
        "dim_customers_history",
        f"{CUSTOMER} valid_to = '2026-02-10Z' WHERE {FIRST}",
        {"valid_to": "2026-02-10T00:00:00+00:00", "next_from": "2026-02-09T00:00:00+00:00"},
    ),
    (
        "dim_customers_history",
        f"{CUSTOMER} valid_to = '2026-02-08Z' WHERE {FIRST}",
        {"valid_to": "2026-02-08T00:00:00+00:00"},
    ),
    ("dim_customers_version_unique", SAME_VERSION, {"customer_id": 43, "versions": 2}),
    ("dim_customers_key_unique", SAME_KEY, {"customer_id": 43, "versions": 2}),
    ("dim_customers_key_unique", PUBLISHED_KEY, {"customer_id": 42, "versions": 2}),
    ("dim_products_complete", "DELETE FROM staging.dim_products WHERE product_id = 9", {"product_id": 9}),
    ("dim_products_nulls", f"{PRODUCT} category = NULL", {"nulls": ["category"], "product_id": 8}),
    ("dim_products_price", f"{PRODUCT} unit_price = -1", {"unit_price": -1}),
    ("dim_products_currency", f"{PRODUCT} currency = '---'", {"currency": "---"}),
]


@pytest.fixture
def run(database: PostgresSettings, sql: Sql) -> Steps:
    return ready(database, sql)


def curated(sql: Sql) -> list[list[tuple]]:
    names = ("dim_customers", "dim_products", "fact_orders")
    return [sorted(sql(f"SELECT t::text FROM curated.{name} AS t")) for name in names]


def keep_staging(sql: Sql) -> Callable[[], None]:
    """Copy staging; the function returned puts it back."""
    tables = ("dim_customers", "dim_products", "fact_orders", "affected_orders")
    for table in tables:
        sql(f"CREATE TABLE public.kept_{table} AS SELECT * FROM staging.{table}")

    def restore() -> None:
        for table in tables:
            sql(f"TRUNCATE staging.{table}")
            sql(f"INSERT INTO staging.{table} SELECT * FROM public.kept_{table}")

    return restore


def test_a_usual_day_passes_and_is_published(run: Steps, sql: Sql):
    results = run.gate()
    assert failures(results) == {}
    assert {result.check_name for result in results if result.outcome == "skipped"} == {
        "dim_customers_kept",
        "dim_products_kept",
        "fact_orders_kept",
    }
    run.publish()
    assert failures(run.check()) == {}
    assert sql("SELECT DISTINCT phase FROM ops.quality_results ORDER BY 1") == [("check",), ("gate",)]
    assert sql("SELECT count(*) FROM curated.dim_products WHERE product_id = 8") == [(2,)]


@pytest.mark.parametrize(("name", "plant", "sample"), FAULTS)
def test_one_fault_fails_one_check_and_publishes_nothing(
    database: PostgresSettings, run: Steps, sql: Sql, name: str, plant: str, sample: dict
):
    restore = keep_staging(sql)
    sql(plant)
    count_staged(database)
    before = curated(sql)
    with reading(database) as reader:
        failed = refused(run.gate)
        with pytest.raises(StagingIncomplete, match="has not passed the gate"):
            run.publish()
    assert list(failed) == [name]
    assert (failed[name].failing_rows >= 1, failed[name].samples[0] | sample) == (
        True,
        failed[name].samples[0],
    )
    assert (curated(sql), len(reader.states)) == (before, 1)
    # Mended, the same run goes through; what the gate saw is what is published.
    restore()
    sql("DELETE FROM curated.fact_orders WHERE ordered_at = %s", f"{DAY} 13:00Z")
    assert failures(run.gate()) == {}
    with reading(database) as reader:
        run.publish()
    assert len(reader.states) == 2  # the old one, the new one, and none between
    assert sql("SELECT outcome FROM ops.quality_results WHERE check_name = %s", name) == [("passed",)]


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ("dim_customers", {"dim_customers_complete", "dim_customers_staged", "fact_orders_customer_known"}),
        ("dim_products", {"dim_products_complete", "dim_products_staged", "fact_orders_product_known"}),
        ("fact_orders", {"fact_orders_complete", "fact_orders_staged"}),
    ],
)
def test_a_table_emptied_by_a_crash_is_noticed(run: Steps, sql: Sql, table: str, expected: set[str]):
    sql(f"TRUNCATE staging.{table}")
    assert set(refused(run.gate)) == expected


def test_a_full_run_that_lost_its_source_is_stopped(database: PostgresSettings, sql: Sql):
    publish_history(database, sql, (*HISTORY, DAY))
    sql("DELETE FROM raw.orders WHERE order_id >= %s", uid(5004, kind=1))
    failed = refused(stage(database, sql, "full", Selection("full")).gate)
    assert set(failed) == {"fact_orders_kept", "fact_orders_volume_low"}
    assert (failed["fact_orders_kept"].failing_rows, failed["fact_orders_kept"].measured) == (6, 0.12)


@pytest.mark.parametrize("member", ["customer", "product"])
def test_a_full_run_whose_source_lost_members_is_stopped_and_goes_through_once_they_are_back(
    database: PostgresSettings, sql: Sql, member: str
):
    add = {"customer": add_customer, "product": add_product}[member]
    for number in range(100, 110):
        add(sql, "2026-01-01Z", **{f"{member}_id": number})
    publish_history(database, sql, (*HISTORY, DAY))
    sql(f"CREATE TABLE public.kept AS SELECT * FROM raw.{member}s WHERE {member}_id = 103")
    sql(f"DELETE FROM raw.{member}s WHERE {member}_id = 103")
    before = curated(sql)
    run = stage(database, sql, "full", Selection("full"))
    failed = refused(run.gate)
    assert list(failed) == [f"dim_{member}s_kept"]
    found = failed[f"dim_{member}s_kept"]
    assert (found.failing_rows, found.samples) == (1, [{f"{member}_id": 103}])
    assert found.measured == pytest.approx(1 / 11)
    with pytest.raises(StagingIncomplete, match="has not passed the gate"):
        run.publish()
    assert curated(sql) == before
    sql(f"INSERT INTO raw.{member}s OVERRIDING SYSTEM VALUE SELECT * FROM public.kept")
    run = stage(database, sql, "full", Selection("full"))
    assert failures(run.gate()) == {}
    run.publish()
    assert curated(sql) == before


def test_waiting_orders_are_a_warning_and_block_nothing(database: PostgresSettings, sql: Sql):
    publish_history(database, sql)
    orders(database, DAY, 9000, customer_id=99)
    run = stage(database, sql)
    warned = failures(run.gate())
    assert {name: result.outcome for name, result in warned.items()} == {
        "fact_orders_unknown_share": "warned"
    }
    assert warned["fact_orders_unknown_share"].measured == 1.0
    run.publish()


def test_a_silent_stream_is_a_warning(run: Steps, sql: Sql):
    sql("UPDATE ops.stream_offsets SET committed_at = '2026-02-09 12:00Z'")
    warned = failures(run.gate())
    assert [(result.check_name, result.outcome) for result in warned.values()] == [
        ("fact_orders_stream", "warned")
    ]
    assert warned["fact_orders_stream"].measured == 12.5


def test_facts_left_with_a_deleted_version_are_orphans(database: PostgresSettings, sql: Sql):
    publish_history(database, sql)
    orders(database, DAY, 9000)
    add_product(sql, "2026-02-01Z", "24.99")
    run = stage(database, sql)
    sql("UPDATE staging.dim_products SET product_key = product_key + 1 WHERE valid_from < '2000-01-01'")
    failed = refused(run.gate)
    assert list(failed) == ["fact_orders_product_known"]
    assert failed["fact_orders_product_known"].failing_rows == 40


def test_the_message_says_which_checks_how_many_rows_and_where_to_look(run: Steps, sql: Sql):
    sql("UPDATE staging.fact_orders SET quantity = 0")
    with pytest.raises(QualityFailed) as failed:
        run.gate()
    assert str(failed.value) == (
        "gate of run run: fact_orders_quantity failed (10 rows; measured 10, allowed at most 0):"
        " nothing is published; look with `ecom quality show run`"
    )
    ((query, samples),) = sql(
        "SELECT query, samples FROM ops.quality_results WHERE check_name = 'fact_orders_quantity'"
    )
    assert len(samples) == 5
    assert sql(query) == [(10.0, 10, None)]


def test_a_failed_gate_frees_the_seat_and_withdraws_an_older_verdict(
    database: PostgresSettings, run: Steps, sql: Sql
):
    run.gate()
    sql("UPDATE staging.fact_orders SET quantity = 0")
    refused(run.gate)
    with pytest.raises(StagingIncomplete, match="has not passed the gate"):
        run.publish()
    refused(run.gate)
    other = stage(database, sql, "other")
    assert failures(other.gate()) == {}


def test_a_mended_doubled_row_is_published_although_the_step_staged_two(
    database: PostgresSettings, run: Steps, sql: Sql
):
    sql(f"INSERT INTO staging.fact_orders SELECT * FROM staging.fact_orders WHERE {ONE}")
    count_staged(database)
    refused(run.gate)
    first = f"SELECT min(ctid) FROM staging.fact_orders WHERE {ONE}"
    sql(f"DELETE FROM staging.fact_orders WHERE {ONE} AND ctid <> ({first})")
    run.gate()
    run.publish()
    assert sql("SELECT staged_facts FROM ops.batch_runs") == [(10,)]


def test_repeated_gates_and_publications_leave_the_seat_free(run: Steps, sql: Sql):
    run.gate()
    run.publish()
    for again in (run.gate, run.publish):
        again()
        assert sql("SELECT released_at IS NOT NULL FROM ops.batch_seat") == [(True,)]


def test_every_error_has_a_planted_fault():
    elsewhere = {name for name in NAMES if name.endswith("_staged")} | {
        "dim_customers_kept",
        "dim_products_kept",
        "fact_orders_kept",
        "fact_orders_fresh",
        "fact_orders_volume_low",
        "fact_orders_unknown_share",
        "fact_orders_stream",
    }
    # Both dimensions have the same checks from one declaration; the customers' stand for the products'.
    twins = {name.replace("dim_customers", "dim_products") for name, _, _ in FAULTS}
    assert set(NAMES) == {name for name, _, _ in FAULTS} | elsewhere | (twins & set(NAMES))
