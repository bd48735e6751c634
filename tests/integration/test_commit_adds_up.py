"""A commit counts where each row went, and commits nothing if one went nowhere."""

from collections.abc import Callable

import pytest

from pipeline.settings import PostgresSettings
from pipeline.stream.tally import DoesNotAddUp
from tests.integration.commits import Row, commit, invalid, valid
from tests.integration.samples import event, uid

Sql = Callable[..., list[tuple]]
KNOWN, NEW = valid(event(1)), valid(event(2))


def plant_loss(sql: Sql, table: str, condition: str) -> None:
    """Make a table swallow rows in silence, as a fault in the merge would."""
    sql("CREATE FUNCTION public.swallow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'")
    sql(
        f"CREATE TRIGGER swallow BEFORE INSERT ON {table} FOR EACH ROW WHEN ({condition})"
        " EXECUTE FUNCTION public.swallow()"
    )


def refused(database: PostgresSettings, sql: Sql, rows: list[Row], said: str) -> None:
    before = sql("SELECT next_offset, raw_rows, duplicate_rows, dlq_rows FROM ops.stream_offsets")
    with pytest.raises(DoesNotAddUp, match=said):
        commit(database, rows, first_offset=1)
    assert sql("SELECT next_offset, raw_rows, duplicate_rows, dlq_rows FROM ops.stream_offsets") == before
    assert sql("SELECT count(*) FROM raw.orders") == [(1,)]


@pytest.mark.parametrize("others", [[], [KNOWN], [NEW, NEW]], ids=["alone", "and a known one", "and a pair"])
def test_a_valid_row_that_is_dropped_is_no_duplicate(database: PostgresSettings, sql: Sql, others: list[Row]):
    commit(database, [KNOWN])
    plant_loss(sql, "raw.orders", f"NEW.event_id = '{uid(3)}'")
    refused(database, sql, [*others, valid(event(3))], "this does not add up, so nothing of it was committed")


def test_a_dead_letter_that_is_not_entered_is_no_replay(database: PostgresSettings, sql: Sql):
    commit(database, [KNOWN])
    plant_loss(sql, "ops.dlq_events", "true")
    refused(database, sql, [invalid()], "1 rows read, 0 of them valid, .* 0 new in the DLQ, 0 known")


@pytest.mark.parametrize(
    ("line", "copied"), [("{}\t9\t9\n{}", 2), ("", 0)], ids=["two in one line", "none in a line"]
)
def test_lines_that_are_not_one_row_each_are_refused(
    database: PostgresSettings, sql: Sql, monkeypatch: pytest.MonkeyPatch, line: str, copied: int
):
    commit(database, [KNOWN])
    row = {"line": line.format(NEW["line"], valid(event(3))["line"])}
    if not line:
        # What `batch` adds to a line is a part of the line.
        monkeypatch.setattr("tests.integration.commits.finished", lambda *_: "")
    refused(database, sql, [row], f"1 of them valid, {copied} copied")


def test_known_ones_are_told_apart_by_where_they_came_from(database: PostgresSettings, sql: Sql):
    sql(
        "INSERT INTO raw.orders (event_id, event_type, event_time, schema_version, order_id, order_version,"
        " ordered_at, customer_id, product_id, quantity, unit_price, currency, status, source)"
        " VALUES (%s, 'created', now(), '1.0', %s, 1, now(), 42, 7, 1, 1, 'EUR', 'placed', 'seed')",
        uid(9),
        uid(9, kind=1),
    )
    commit(database, [KNOWN], partition=1)
    commit(database, [invalid()], partition=2)
    replayed = invalid() | {"origin": "orders/2/0", "attempt": "2"}
    tally = commit(database, [valid(event(9)), KNOWN, NEW, NEW, invalid(), replayed])
    assert (tally.known_events, tally.repeated_failures, tally.duplicate_rows) == (3, 1, 4)
    assert (tally.rows, tally.copied_rows, tally.raw_rows, tally.dlq_rows) == (6, 4, 1, 1)
