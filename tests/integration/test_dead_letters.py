"""The DLQ's ledger: one row per origin, whatever is sent or replayed however often."""

from collections.abc import Callable
from contextlib import closing

import pytest

from pipeline.database import connect
from pipeline.settings import PostgresSettings
from pipeline.stream.commit import commit_partition
from pipeline.stream.dead_letters import DeadLetter
from pipeline.stream.tally import Tally
from tests.integration.commits import Row, Sink, batch, commit, invalid, valid
from tests.integration.samples import RECEIVED_MS, event

Sql = Callable[..., list[tuple]]
_STRANGE = (
    *("", "a/b", "orders/x/1", "/1/1", "orders/1/-1", "a\x00b/0/1", "orders/\u0663/1", "orders/0/1\n"),
    *("orders/0/" + "9" * 30, "orders/9999999999/1", "x" * 300 + "/0/1"),
)
LEDGER = (
    "SELECT topic, partition, source_offset, reason, attempts, replayed_at IS NOT NULL,"
    " resolved_at IS NOT NULL FROM ops.dlq_events ORDER BY 1, 2, 3"
)


def counts(tally: Tally) -> tuple[int, int, int, int]:
    return (tally.rows, tally.raw_rows, tally.duplicate_rows, tally.dlq_rows)


def replayed(row: Row, origin: str = "orders/0/0", attempt: str = "2") -> Row:
    return row | {"origin": origin, "attempt": attempt}


def sent(database: PostgresSettings, rows: list[Row], first: int = 0) -> list[DeadLetter]:
    sink = Sink()
    with closing(connect(database, "ingest")) as connection:
        commit_partition(connection, "orders", sink, iter([batch(rows, first)]))
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
    commit(database, [invalid()])
    again = [replayed(invalid(), attempt="2"), replayed(invalid(), attempt="3")]
    assert counts(commit(database, again, 1)) == (2, 0, 2, 0)
    assert sql(LEDGER) == [("orders", 0, 0, "malformed_json", 3, False, False)]


@pytest.mark.parametrize("forged", ["orders/1/5", "elsewhere/0/0", "orders/0/0"])
def test_an_origin_that_the_ledger_does_not_know_is_not_believed(
    database: PostgresSettings, sql: Sql, forged: str
):
    commit(database, [valid(event(1))])
    letters = sent(database, [replayed(invalid(), forged, "7")], 1)
    assert [(letter.origin, letter.attempt) for letter in letters] == [("orders/0/1", 1)]
    assert sql(LEDGER) == [("orders", 0, 1, "malformed_json", 1, False, False)]


def test_claims_true_and_false_between_valid_events_lose_nothing(database: PostgresSettings, sql: Sql):
    commit(database, [invalid()])
    rows = [valid(event(1)), replayed(invalid()), invalid(), replayed(invalid(), "orders/0/3")]
    assert counts(commit(database, [*rows, valid(event(2))], 1)) == (5, 2, 1, 2)
    assert [row[2] for row in sql(LEDGER)] == [0, 3, 4]


def test_headers_that_are_not_ours_count_as_a_first_failure(database: PostgresSettings, sql: Sql):
    strange = [replayed(invalid(), origin, "x") for origin in _STRANGE]
    assert [letter.origin for letter in sent(database, strange)] == [
        f"orders/0/{place}" for place in range(len(_STRANGE))
    ]
    assert [row[4] for row in sql(LEDGER)] == [1] * len(_STRANGE)


def test_an_accepted_event_with_a_strange_origin_is_just_an_event(database: PostgresSettings, sql: Sql):
    assert counts(commit(database, [replayed(valid(event(1)), "nonsense")])) == (1, 1, 0, 0)
    assert sql(LEDGER) == []


def test_an_empty_message_keeps_its_missing_value(database: PostgresSettings):
    letters = sent(database, [invalid(reason="empty_value") | {"value": None}, invalid(b"", "empty_value")])
    assert [letter.value for letter in letters] == [None, b""]
