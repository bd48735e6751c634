"""`verify` sees each kind of fault that is planted, says how many, and gives sample keys."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from pipeline.rebuild.publish import publish_from_raw
from pipeline.settings import KafkaSettings, PostgresSettings
from pipeline.stream.offsets import TopicMissing
from pipeline.verify import Report, StreamBehind, verify
from tests.integration.commits import commit, invalid, valid
from tests.integration.members import add_customer, add_product
from tests.integration.samples import as_bytes, event, uid
from tests.integration.topics import Topics

Sql = Callable[..., list[tuple]]
FINDINGS = ("lost", "doubled", "missing_facts", "surplus_facts", "different_facts", "counter_drift")


@dataclass(frozen=True)
class Warehouse:
    """A database with events of one topic, and the settings to verify it."""

    postgres: PostgresSettings
    kafka: KafkaSettings

    @property
    def topic(self) -> str:
        return self.kafka.orders_topic

    def verify(self) -> Report:
        return verify(self.postgres, self.kafka, timeout_s=0)


@pytest.fixture
def warehouse(database: PostgresSettings, kafka: KafkaSettings, empty_topic: str, sql: Sql) -> Warehouse:
    """Ten orders, one of them seen twice, and one dead letter, in two partitions; all members are known."""
    add_customer(sql, "2026-01-01Z")
    add_product(sql, "2026-01-01Z")
    publish_from_raw(database)
    rows = [valid(event(number)) for number in range(10)]
    commit(database, [*rows[:6], rows[0]], topic=empty_topic)
    commit(database, [*rows[6:], invalid()], partition=1, topic=empty_topic)
    return Warehouse(database, kafka.model_copy(update={"orders_topic": empty_topic}))


def found(report: Report) -> dict[str, int]:
    """Return the kinds of fault that were found, with their counts."""
    assert tuple(report.findings()) == FINDINGS
    assert report.clean == (not any(finding.count for finding in report.findings().values()))
    return {name: finding.count for name, finding in report.findings().items() if finding.count}


def test_a_sound_warehouse_is_clean(warehouse: Warehouse):
    report = warehouse.verify()
    assert found(report) == {}
    assert report.clean
    assert (report.offsets, report.raw_rows, report.duplicates, report.dlq_origins) == (12, 10, 1, 1)
    assert (report.facts, report.pending_repair) == (10, 0)
    assert report.as_dict()["clean"] is True


def test_a_lost_event(warehouse: Warehouse, sql: Sql):
    sql("DELETE FROM raw.orders WHERE event_id = %s", uid(7))
    report = warehouse.verify()
    assert found(report) == {"lost": 1, "surplus_facts": 1, "counter_drift": 1}
    assert report.lost.samples == [f"{warehouse.topic}/1: 1 events"]
    assert report.surplus_facts.samples == [uid(7, kind=1)]
    assert report.counter_drift.samples == [f"{warehouse.topic}/1: raw 3, counted 4"]


def test_a_lost_dead_letter(warehouse: Warehouse, sql: Sql):
    sql("DELETE FROM ops.dlq_events")
    assert found(warehouse.verify()) == {"lost": 1, "counter_drift": 1}


def test_offsets_that_were_skipped(warehouse: Warehouse, sql: Sql):
    sql("UPDATE ops.stream_offsets SET next_offset = next_offset + 3 WHERE partition = 0")
    report = warehouse.verify()
    assert found(report) == {"lost": 3}
    assert report.lost.samples == [f"{warehouse.topic}/0: 3 events"]


def test_a_doubled_event(warehouse: Warehouse, sql: Sql):
    sql(
        "INSERT INTO raw.orders SELECT (jsonb_populate_record(o, jsonb_build_object('event_id', %s::uuid,"
        " 'raw_id', -1))).* FROM raw.orders o WHERE event_id = %s".replace(
            "INSERT INTO raw.orders", "INSERT INTO raw.orders OVERRIDING SYSTEM VALUE"
        ),
        uid(77),
        uid(7),
    )
    report = warehouse.verify()
    # The copy is a row more than offsets were read, and stands at an offset that has one already.
    assert found(report) == {"doubled": 2, "different_facts": 1, "counter_drift": 1}
    assert report.doubled.samples == [f"{warehouse.topic}/1/1", f"{warehouse.topic}/1: 1 events"]


def test_a_missing_fact(warehouse: Warehouse, sql: Sql):
    sql("DELETE FROM curated.fact_orders WHERE order_id = %s", uid(3, kind=1))
    report = warehouse.verify()
    assert found(report) == {"missing_facts": 1}
    assert report.missing_facts.samples == [uid(3, kind=1)]


def test_a_surplus_fact(warehouse: Warehouse, sql: Sql):
    sql("UPDATE curated.fact_orders SET order_id = %s WHERE order_id = %s", uid(99, kind=9), uid(3, kind=1))
    report = warehouse.verify()
    assert found(report) == {"missing_facts": 1, "surplus_facts": 1}
    assert report.surplus_facts.samples == [uid(99, kind=9)]


@pytest.mark.parametrize(
    "change",
    ["order_version = 9", "event_id = gen_random_uuid()", "ordered_at = ordered_at + interval '1 us'",
     "customer_key = 1", "product_key = 1", "customer_id = 1", "product_id = 1", "quantity = 4",
     "unit_price = 20", "currency = 'USD'", "status = 'paid'"],
)  # fmt: skip
def test_a_fact_that_differs_in_any_column(warehouse: Warehouse, sql: Sql, change: str):
    sql(f"UPDATE curated.fact_orders SET {change} WHERE order_id = %s", uid(3, kind=1))
    report = warehouse.verify()
    assert found(report) == {"different_facts": 1}
    assert report.different_facts.samples == [uid(3, kind=1)]


@pytest.mark.parametrize("counter", ["raw_rows", "dlq_rows"])
def test_a_counter_that_drifts(warehouse: Warehouse, sql: Sql, counter: str):
    sql(f"UPDATE ops.stream_offsets SET {counter} = {counter} + 1 WHERE partition = 1")
    assert found(warehouse.verify()) == {"counter_drift": 1}


def test_a_duplicate_too_many_hides_no_lost_event(warehouse: Warehouse, sql: Sql):
    sql("UPDATE ops.stream_offsets SET duplicate_rows = duplicate_rows + 1 WHERE partition = 1")
    assert found(warehouse.verify()) == {"doubled": 1}


def test_samples_are_few_and_counts_are_whole(warehouse: Warehouse, sql: Sql):
    sql("DELETE FROM curated.fact_orders")
    finding = warehouse.verify().missing_facts
    assert (finding.count, finding.samples) == (10, [uid(number, kind=1) for number in range(5)])


def test_orders_that_wait_for_their_member_are_counted_and_are_no_fault(warehouse: Warehouse):
    commit(warehouse.postgres, [valid(event(50, customer_id=1))], 7, topic=warehouse.topic)
    report = warehouse.verify()
    assert found(report) == {}
    assert (report.pending_repair, report.facts) == (1, 11)


def test_another_topics_faults_are_not_this_ones(warehouse: Warehouse, sql: Sql):
    commit(warehouse.postgres, [valid(event(50))], topic="another")
    sql("UPDATE ops.stream_offsets SET raw_rows = 9 WHERE topic = 'another'")
    assert found(warehouse.verify()) == {}


def test_a_stream_that_does_not_run_is_told_in_one_line(
    database: PostgresSettings, kafka: KafkaSettings, topics: Topics
):
    topic = topics.make()
    topics.send(topic, [(None, as_bytes(event(number))) for number in range(3)])
    seen: list[int] = []
    with pytest.raises(StreamBehind, match=f"^3 events of {topic} are not committed and none came in 0 s"):
        verify(database, kafka.model_copy(update={"orders_topic": topic}), 0, seen.append)
    assert set(seen) == {3}


def test_it_waits_until_the_end_offsets_are_committed(
    database: PostgresSettings, kafka: KafkaSettings, topics: Topics
):
    topic = topics.make()
    rows = [event(number) for number in range(3)]
    topics.send(topic, [(None, as_bytes(content)) for content in rows])
    pending = list(enumerate(rows))

    def one_more(behind: int) -> None:
        assert behind == len(pending)
        if pending:
            offset, content = pending.pop(0)
            commit(database, [valid(content)], offset, topic=topic)

    report = verify(database, kafka.model_copy(update={"orders_topic": topic}), 60, one_more)
    assert (report.offsets, report.raw_rows, report.clean, pending) == (3, 3, True, [])


def test_a_topic_that_does_not_exist_is_named(database: PostgresSettings, kafka: KafkaSettings):
    with pytest.raises(TopicMissing, match="absent"):
        verify(database, kafka.model_copy(update={"orders_topic": "absent"}), 0)
