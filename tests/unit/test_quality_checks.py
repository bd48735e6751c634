"""The declarations of checks are sound: every table is guarded, names are unique, limits can be kept."""

import re
from datetime import UTC, date, datetime

import pytest

from pipeline.events import Currency, Status
from pipeline.jobs.publish import STAGED
from pipeline.jobs.run import BatchRun, Kind, Marks, Selection
from pipeline.quality.check import PHASES, Check, Phase
from pipeline.quality.checks import BY_TABLE, CHECKS, NAMES, check_named
from pipeline.quality.errors import QualityError
from pipeline.quality.relations import FACT_COLUMNS, MEMBER_COLUMNS, relations
from pipeline.quality.scope import Scope

KINDS: tuple[Kind, ...] = ("increment", "backfill", "full")


def scope(
    kind: Kind = "increment",
    started: str = "2026-02-10T00:30:00+00:00",
    published: str | None = "2026-02-09T00:40:00+00:00",
) -> Scope:
    days = (date(2026, 2, 1), date(2026, 2, 4)) if kind == "backfill" else (None, None)
    marks = Marks(10, 20)
    run = BatchRun("run", Selection(kind, *days), 1, marks, marks, marks, {})
    parsed = datetime.fromisoformat(published) if published else None
    return Scope(run, datetime.fromisoformat(started), parsed)


def test_names_are_unique_and_begin_with_their_table():
    assert len(set(NAMES)) == len(NAMES)
    assert all(check.name.startswith(f"{check.table}_") for check in CHECKS)
    assert {check.table for check in CHECKS} == set(BY_TABLE) == set(STAGED.values())


@pytest.mark.parametrize("table", STAGED.values())
def test_every_staged_table_has_the_basic_checks(table: str):
    kinds = {check.name.removeprefix(f"{table}_") for check in BY_TABLE[table]}
    unique = {"unique"} if table == "fact_orders" else {"key_unique", "version_unique"}
    assert kinds >= {"staged", "complete", "kept", "nulls", *unique}


def test_nulls_are_looked_for_in_every_column():
    for table, columns in (
        ("fact_orders", FACT_COLUMNS),
        ("dim_customers", MEMBER_COLUMNS["customer"]),
        ("dim_products", MEMBER_COLUMNS["product"]),
    ):
        rows = check_named(f"{table}_nulls").rows
        assert all(f"WHEN {column} IS NULL THEN '{column}'" in rows for column in columns)


@pytest.mark.parametrize("check", CHECKS, ids=NAMES)
def test_a_check_says_what_it_means_and_shows_what_to_look_for(check: Check):
    assert re.fullmatch(r"[a-z_]+", check.name)
    assert check.meaning.endswith(".")
    assert check.columns
    assert check.phases
    assert check.kinds


def test_only_what_nobody_can_mend_today_is_a_warning():
    assert {check.name for check in CHECKS if check.severity == "warning"} == {
        "fact_orders_unknown_share",
        "fact_orders_stream",
    }


def test_currencies_and_statuses_are_the_events():
    for value in Currency.__args__:  # type: ignore[attr-defined]
        assert f"'{value}'" in check_named("fact_orders_currency").rows
    for value in Status.__args__:  # type: ignore[attr-defined]
        assert f"'{value}'" in check_named("fact_orders_status").rows


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("phase", PHASES)
def test_every_relation_and_parameter_is_known(phase: Phase, kind: Kind):
    judged = scope(kind)
    for check in CHECKS:
        names = relations(phase, judged.run)
        asked = check.statement(names) + check.samples(names)
        assert set(re.findall(r"%\((\w+)\)s", asked)) <= set(judged.parameters())
        assert "{" not in asked


def test_the_second_phase_needs_no_staging():
    for kind in KINDS:
        names = relations("check", scope(kind).run)
        for check in CHECKS:
            if "check" in check.phases and kind in check.kinds:
                assert "staging." not in check.statement(names), (kind, check.name)


def test_another_name_is_answered_with_those_there_are():
    with pytest.raises(
        QualityError, match=r"check 'x': allowed are dim_customers_staged, .*fact_orders_stream"
    ):
        check_named("x")


@pytest.mark.parametrize(
    ("name", "inside", "outside"),
    [
        ("fact_orders_volume_low", 0.6, 0.59),
        ("fact_orders_volume_high", 2.5, 2.51),
        ("fact_orders_unknown_share", 0.05, 0.051),
        ("fact_orders_fresh", 1, 0),
        ("fact_orders_nulls", 0, 1),
    ],
)
def test_limits(name: str, inside: float, outside: float):
    check = check_named(name)
    assert (check.keeps(inside), check.keeps(outside)) == (True, False)


def test_a_run_answers_for_the_last_complete_day_before_its_start():
    judged = scope()
    assert (judged.first_day, judged.last_day, judged.day) == (date(2026, 2, 9),) * 3
    # A run that begins in another time zone's next day is still judged by UTC.
    assert scope(started="2026-02-10T01:30:00+02:00").last_day == date(2026, 2, 8)


@pytest.mark.parametrize("kind", ["increment", "full"])
@pytest.mark.parametrize(
    ("published", "first"),
    [
        (None, date(2026, 2, 9)),  # nothing was: history is what it is
        ("2026-02-10T00:10:00+00:00", date(2026, 2, 9)),  # a second run of one day
        ("2026-02-07T00:40:00+00:00", date(2026, 2, 7)),  # that run could not judge this day yet
        ("2025-12-01T00:40:00+00:00", date(2026, 1, 10)),
    ],
)
def test_a_run_answers_for_every_day_since_something_was_published(kind, published, first):
    judged = scope(kind, published=published)
    assert (judged.first_day, judged.last_day) == (first, date(2026, 2, 9))
    assert judged.day == (first if first == judged.last_day else None)


def test_a_backfill_answers_for_its_own_days_as_far_as_they_are_complete():
    assert scope("backfill", published=None).first_day == date(2026, 2, 1)
    assert (scope("backfill").first_day, scope("backfill").last_day) == (date(2026, 2, 1), date(2026, 2, 3))
    assert scope("backfill").day is None
    assert scope("backfill", "2026-02-02T12:00:00+00:00").last_day == date(2026, 2, 1)


def test_instants_are_bound_in_utc():
    assert scope("backfill").parameters()["from_time"] == datetime(2026, 2, 1, tzinfo=UTC)
