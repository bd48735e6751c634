"""One partition's commit, straight on PostgreSQL: replays, duplicates, the winner, dimensions, extras."""

import itertools
import json
from collections.abc import Callable
from contextlib import closing
from typing import Any

import psycopg2
import pytest

from pipeline.database import connect
from pipeline.settings import PostgresSettings
from pipeline.stream.commit import WentBack, commit_partition
from tests.integration.commits import FailingSink, Sink, batch, commit, invalid, valid
from tests.integration.samples import event, uid

Sql = Callable[..., list[tuple]]
EVENTS = [valid(event(number)) for number in range(10)]
EVERYTHING = (
    "raw.orders",
    "curated.fact_orders",
    "ops.stream_offsets",
    "ops.stream_commits",
    "ops.dlq_events",
)

NOTHING: dict[str, list[tuple]] = {table: [] for table in EVERYTHING}


def counts(tally: Any) -> tuple[int, int, int, int]:
    return (tally.rows, tally.raw_rows, tally.duplicate_rows, tally.dlq_rows)


def snapshot(sql: Sql) -> dict[str, list[tuple]]:
    return {table: sorted(sql(f"SELECT t::text FROM {table} t")) for table in EVERYTHING}


def test_a_replayed_batch_changes_nothing(database: PostgresSettings, sql: Sql):
    rows = [*EVENTS, invalid(), valid(event(0))]
    assert counts(commit(database, rows)) == (12, 10, 1, 1)
    before = snapshot(sql)
    assert counts(commit(database, rows)) == (0, 0, 0, 0)
    assert snapshot(sql) == before
    assert [len(rows) for rows in before.values()] == [10, 10, 1, 1, 1]


def test_an_overlapping_replay_takes_only_what_is_new(database: PostgresSettings, sql: Sql):
    commit(database, EVENTS[:6])
    tally = commit(database, EVENTS[3:], first_offset=3)
    assert (tally.from_offset, tally.until_offset, *counts(tally)) == (6, 10, 4, 4, 0, 0)
    assert sql("SELECT first_offset, next_offset, raw_rows, duplicate_rows FROM ops.stream_offsets") == [
        (0, 10, 10, 0)
    ]
    assert sql("SELECT from_offset, until_offset, raw_rows FROM ops.stream_commits ORDER BY 1") == [
        (0, 6, 6),
        (6, 10, 4),
    ]


def test_several_arrow_batches_are_one_commit(database: PostgresSettings, sql: Sql):
    parts = [batch(EVENTS[:4]), batch([], 4), batch(EVENTS[4:7], 4), batch([invalid()], 7)]
    with closing(connect(database, "ingest")) as connection:
        tally = commit_partition(connection, "orders", Sink(), iter(parts))
    assert counts(tally) == (8, 7, 0, 1)
    assert sql("SELECT from_offset, until_offset FROM ops.stream_commits") == [(0, 8)]
    assert sql("SELECT array_agg(source_offset ORDER BY source_offset) FROM raw.orders") == [
        (list(range(7)),)
    ]


def test_no_rows_are_no_commit(database: PostgresSettings, sql: Sql):
    with closing(connect(database, "ingest")) as connection:
        assert commit_partition(connection, "orders", Sink(), iter([batch([])])) is None
    assert sql("SELECT * FROM ops.stream_offsets") == []


def test_a_batch_with_two_partitions_is_refused(database: PostgresSettings, sql: Sql):
    rows = [valid(event(1)), valid(event(2)) | {"partition": 1}]
    with (
        closing(connect(database, "ingest")) as connection,
        pytest.raises(ValueError, match="one Kafka partition"),
    ):
        commit_partition(connection, "orders", Sink(), iter([batch(rows)]))
    assert snapshot(sql) == NOTHING


def test_duplicates_are_counted_within_a_batch_and_across_partitions(database: PostgresSettings, sql: Sql):
    assert counts(commit(database, [EVENTS[0], EVENTS[0], EVENTS[1]])) == (3, 2, 1, 0)
    assert counts(commit(database, [EVENTS[1], EVENTS[2]], partition=1)) == (2, 1, 1, 0)
    assert sql("SELECT sum(raw_rows), sum(duplicate_rows) FROM ops.stream_offsets") == [(3, 2)]


def test_a_known_event_id_with_other_content_changes_nothing(database: PostgresSettings, sql: Sql):
    commit(database, EVENTS[:2])
    tables = ("raw.orders", "curated.fact_orders")
    before = {table: snapshot(sql)[table] for table in tables}
    forged = [event(0, order_version=9, quantity=99), event(0, order_id=uid(5, kind=5), status="paid")]
    assert counts(commit(database, [valid(content) for content in forged], 2)) == (2, 0, 2, 0)
    assert {table: snapshot(sql)[table] for table in tables} == before


ORDER = uid(1, kind=1)
VERSIONS = [  # the last one is the winner: the same version as the one before, a greater event_id
    event(40, order_id=ORDER, order_version=1, quantity=1),
    event(30, order_id=ORDER, order_version=2, quantity=2, status="paid"),
    event(10, order_id=ORDER, order_version=3, quantity=3, status="shipped"),
    event(20, order_id=ORDER, order_version=3, quantity=4, status="delivered"),
]


@pytest.fixture(scope="module")
def one_by_one(shared_database: PostgresSettings) -> PostgresSettings:
    return shared_database


@pytest.mark.parametrize("together", [True, False], ids=["one commit", "a commit each"])
def test_the_winner_is_the_same_in_every_order_of_arrival(one_by_one: PostgresSettings, together: bool):
    with closing(connect(one_by_one, "admin")) as admin, closing(connect(one_by_one, "ingest")) as connection:
        for order in itertools.permutations(VERSIONS):
            rows = [valid(content) for content in order]
            parts = [batch(rows)] if together else [batch([row], place) for place, row in enumerate(rows)]
            for part in parts:
                commit_partition(connection, "orders", Sink(), iter([part]))
            with admin, admin.cursor() as cursor:
                cursor.execute(
                    "SELECT order_version, event_id::text, quantity, amount::text, status"
                    " FROM curated.fact_orders"
                )
                assert cursor.fetchall() == [(3, uid(20), 4, "79.96", "delivered")], order
                cursor.execute("SELECT count(*) FROM raw.orders")
                assert cursor.fetchone() == (4,)
                cursor.execute(f"TRUNCATE {', '.join(EVERYTHING)}")


def add_versions(sql: Sql) -> None:
    sql(
        "INSERT INTO curated.dim_customers"
        " (customer_key, customer_id, name, country, segment, valid_from, valid_to)"
        " VALUES (11, 42, 'n', 'DE', 'new', 'epoch', '2026-01-01Z'),"
        " (12, 42, 'n', 'DE', 'loyal', '2026-01-01Z', '2026-02-01Z')"
    )
    sql(
        "INSERT INTO curated.dim_products"
        " (product_key, product_id, name, category, unit_price, currency, valid_from, valid_to)"
        " VALUES (21, 7, 'n', 'c', 1, 'EUR', 'epoch', '9999-12-31Z')"
    )


@pytest.mark.parametrize(
    ("ordered_at", "customer_key"),
    [
        ("2025-12-31T23:59:59.999999Z", 11),
        ("2026-01-01T00:00:00Z", 12),
        ("2026-01-31T23:59:59.999999Z", 12),
        ("2026-02-01T00:00:00Z", 0),
    ],
)
def test_the_version_valid_at_ordered_at_is_chosen(
    database: PostgresSettings, sql: Sql, ordered_at: str, customer_key: int
):
    add_versions(sql)
    commit(database, [valid(event(1, ordered_at=ordered_at))])
    assert sql("SELECT customer_key, product_key FROM curated.fact_orders") == [(customer_key, 21)]


def test_an_unknown_member_is_key_0_until_a_newer_event_finds_it(database: PostgresSettings, sql: Sql):
    content = event(1, ordered_at="2026-01-15T00:00:00Z")
    commit(database, [valid(content)])
    assert sql("SELECT customer_key, product_key, customer_id FROM curated.fact_orders") == [(0, 0, 42)]
    add_versions(sql)
    commit(database, [valid(content | {"event_id": uid(2), "order_version": 2})], 1)
    assert sql("SELECT customer_key, product_key, customer_id FROM curated.fact_orders") == [(12, 21, 42)]


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (None, None),
        (json.dumps(event()), None),
        (json.dumps(event(gift="a", nested={"quantity": 1})), {"gift": "a", "nested": {"quantity": 1}}),
        ('{"x":"\\ud800"}', '{"x":"\\ud800"}'),
        ('{"x":1e999999}', '{"x":1e999999}'),
    ],
)
def test_unknown_fields_are_kept_as_jsonb_or_as_text(
    database: PostgresSettings, sql: Sql, text: str | None, kept: object
):
    commit(database, [valid(event(1), extra=text)])
    assert sql("SELECT extra FROM raw.orders") == [(kept,)]


def test_the_order_keeps_where_it_came_from(database: PostgresSettings, sql: Sql):
    commit(database, [valid(event(1))], first_offset=7, partition=2, topic="mine")
    rows = sql("SELECT source, source_partition, source_offset, source_timestamp::text FROM raw.orders")
    assert rows == [("mine", 2, 7, "2026-02-03 04:05:06.007+00")]


def test_a_refused_dlq_message_commits_nothing(database: PostgresSettings, sql: Sql):
    with closing(connect(database, "ingest")) as connection:
        with pytest.raises(psycopg2.Error, match="no broker"):
            commit_partition(connection, "orders", FailingSink(), iter([batch([*EVENTS, invalid()])]))
        assert snapshot(sql) == NOTHING
        # The same connection is fit for the retry.
        assert counts(commit_partition(connection, "orders", Sink(), iter([batch(EVENTS)]))) == (10, 10, 0, 0)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("UPDATE ops.stream_offsets SET next_offset = 4", "offset 4 comes next"),
        ("DELETE FROM ops.stream_offsets", "nothing is known of it"),
    ],
)
def test_a_database_that_went_back_in_time_is_noticed_before_it_loses_orders(
    database: PostgresSettings, sql: Sql, damage: str, said: str
):
    committed = {0: commit(database, EVENTS[:6]).until_offset}
    sql(damage)
    before = snapshot(sql)
    with (
        closing(connect(database, "ingest")) as connection,
        pytest.raises(WentBack, match=f"orders/0: 6 offsets were committed, and now {said}"),
    ):
        commit_partition(connection, "orders", Sink(), iter([batch(EVENTS[6:], 6)]), committed)
    assert snapshot(sql) == before


def test_a_database_that_is_ahead_of_the_job_is_not(database: PostgresSettings):
    commit(database, EVENTS[:6])
    with closing(connect(database, "ingest")) as connection:
        tally = commit_partition(connection, "orders", Sink(), iter([batch(EVENTS[6:], 6)]), {0: 3})
    assert tally is not None
    assert tally.until_offset == len(EVENTS)
