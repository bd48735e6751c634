"""The demo's verdict: what the producer had acknowledged, kind by kind, against what the stream counted."""

from typing import Any

import pytest

from cli.outcome import Outcome
from pipeline.stream.progress import Totals
from pipeline.verify import Finding, Report
from producer.messages import Shares
from producer.run import ProducePlan, Summary, event_stream

KINDS = {"created": 6, "late": 1, "updated": 2, "cancelled": 1, "duplicate": 3, "invalid:bad_json": 2}
GOOD = Totals(read=15, raw_rows=10, duplicate_rows=3, dlq_rows=2)


def outcome(committed: Totals) -> Outcome:
    clean: dict[str, Any] = {
        name: Finding(0) if kind is Finding else 0 for name, kind in Report.__annotations__.items()
    }
    return Outcome(
        Summary("orders", "", {}, sum(KINDS.values()), KINDS, 0, 1.0, 15.0, None),
        "success",
        committed,
        [],
        {},
        Report(**clean | {"topic": "orders"}),
    )


def test_each_kind_arrived():
    assert (outcome(GOOD).lost, outcome(GOOD).good) == (0, True)


@pytest.mark.parametrize(
    ("committed", "missing"),
    [
        (Totals(15, 9, 4, 2), {"raw_rows": 1}),
        (Totals(15, 9, 3, 3), {"raw_rows": 1}),
        (Totals(15, 11, 2, 2), {"duplicate_rows": 1}),
        (Totals(15, 11, 3, 1), {"dlq_rows": 1}),
        (Totals(13, 9, 3, 1), {"raw_rows": 1, "dlq_rows": 1}),
    ],
)
def test_what_is_in_the_wrong_place_is_lost(committed: Totals, missing: dict[str, int]):
    assert outcome(committed).missing == missing
    assert outcome(committed).lost == sum(missing.values())
    assert not outcome(committed).good


def test_other_producers_do_no_harm():
    assert outcome(Totals(100, 80, 10, 10)).good


def test_every_kind_of_the_producer_has_its_place():
    plan = ProducePlan(
        shares=Shares(updates=0.4, late=0.1, duplicate=0.1, invalid=0.2), customers=9, products=9
    )
    stream = event_stream(plan, start_us=0)
    kinds = {message.kind: message.event_id is None for message, _ in zip(stream, range(2_000), strict=False)}
    assert {"created", "late", "updated", "cancelled", "duplicate"} <= set(kinds)
    assert {kind for kind, refused in kinds.items() if refused} == {
        kind for kind in kinds if kind.startswith("invalid:")
    }
