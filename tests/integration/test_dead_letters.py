"""The DLQ's ledger: one row per origin, whatever is sent or replayed however often."""

from collections.abc import Callable
from contextlib import closing

from pipeline.database import connect
from pipeline.settings import PostgresSettings
from pipeline.stream.commit import Tally, commit_partition
from pipeline.stream.dead_letters import DeadLetter
from tests.integration.commits import Row, Sink, batch, commit, invalid, valid
from tests.integration.samples import RECEIVED_MS, event

Sql = Callable[..., list[tuple]]
LEDGER = (
    "SELECT topic, partition, source_offset, reason, attempts, replayed_at IS NOT NULL,"
    " resolved_at IS NOT NULL FROM ops.dlq_events ORDER BY 1, 2, 3"
)


def counts(tally: Tally) -> tuple[int, int, int, int]:
    return (tally.rows, tally.raw_rows, tally.duplicate_rows, tally.dlq_rows)


def replayed(row: Row, origin: str = "orders/0/0", attempt: str = "2") -> Row:
    return row | {"origin": origin, "attempt": attempt}


def sent(database: PostgresSettings, rows: list[Row]) -> list[DeadLetter]:
    sink = Sink()
    with closing(connect(database, "ingest")) as connection:
        commit_partition(connection, "orders", sink, iter([batch(rows)]))
    return sink.letters


def test_a_first_failure_is_sent_with_its_origin_and_entered(database: PostgresSettings, sql: Sql):
    (letter,) = sent(database, [invalid(b"\xff{", "invalid_utf8") | {"key": b"k", "detail": "why"}])
    assert letter == DeadLetter("orders/0/0", RECEIVED_MS, "invalid_utf8", "why", 1, b"k", b"\xff{")
    assert sql(LEDGER) == [("orders", 0, 0, "invalid_utf8", 1, False, False)]


def test_a_replay_that_fails_again_is_one_origin_and_a_duplicate(database: PostgresSettings, sql: Sql):
    commit(database, [invalid(reason="unsupported_schema_version")])
    sql("UPDATE ops.dlq_events SET replayed_at = now()")
    again = replayed(invalid(reason="missing_field"))
    assert counts(commit(database, [again], 1)) == (1, 0, 1, 0)
    assert sql(LEDGER) == [("orders", 0, 0, "missing_field", 2, False, False)]


def test_a_replay_that_is_accepted_resolves_its_origin(database: PostgresSettings, sql: Sql):
    commit(database, [invalid(), invalid()])
    assert counts(commit(database, [replayed(valid(event(1)))], 2)) == (1, 1, 0, 0)
    assert sql(LEDGER) == [
        ("orders", 0, 0, "malformed_json", 1, False, True),
        ("orders", 0, 1, "malformed_json", 1, False, False),
    ]


def test_one_origin_twice_in_a_batch_is_one_row(database: PostgresSettings, sql: Sql):
    again = [replayed(invalid(), "orders/1/5", "2"), replayed(invalid(), "orders/1/5", "3")]
    assert counts(commit(database, again)) == (2, 0, 1, 1)
    assert sql(LEDGER) == [("orders", 1, 5, "malformed_json", 3, False, False)]


def test_headers_that_are_not_ours_count_as_a_first_failure(database: PostgresSettings, sql: Sql):
    strange = [
        replayed(invalid(), origin, "x") for origin in ("", "a/b", "orders/x/1", "/1/1", "orders/1/-1")
    ]
    assert [letter.origin for letter in sent(database, strange)] == [
        f"orders/0/{place}" for place in range(5)
    ]
    assert [row[4] for row in sql(LEDGER)] == [1] * 5


def test_an_accepted_event_with_a_strange_origin_is_just_an_event(database: PostgresSettings, sql: Sql):
    assert counts(commit(database, [replayed(valid(event(1)), "nonsense")])) == (1, 1, 0, 0)
    assert sql(LEDGER) == []


def test_an_empty_message_keeps_its_missing_value(database: PostgresSettings):
    letters = sent(database, [invalid(reason="empty_value") | {"value": None}, invalid(b"", "empty_value")])
    assert [letter.value for letter in letters] == [None, b""]
