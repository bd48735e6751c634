"""`verify` sees each kind of fault that is planted, says how many, and gives sample keys."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from pipeline.rebuild.publish import publish_from_raw
from pipeline.settings import KafkaSettings, PostgresSettings
from pipeline.stream.offsets import OffsetsLost, TopicMissing
from pipeline.verify import Report, StreamBehind, verify
from tests.integration.commits import commit, invalid, valid
from tests.integration.members import add_customer, add_product
from tests.integration.samples import as_bytes, event, uid
from tests.integration.topics import Topics

Sql = Callable[..., list[tuple]]
FINDINGS = (
    *("lost", "doubled", "missing_facts", "surplus_facts", "different_facts", "different_versions"),
    *("counter_drift", "wrong_sums"),
)


@dataclass(frozen=True)
class Warehouse:
    """A database with events of one topic, and the settings to verify it."""

    postgres: PostgresSettings
    kafka: KafkaSettings
    topics: Topics

    @property
    def topic(self) -> str:
        return self.kafka.orders_topic

    def take(self, events: Sequence[dict[str, Any] | None], partition: int = 0, first: int = 0) -> None:
        """Send events, None being an invalid one, and commit them as the stream would."""
        self.send(events, partition)
        rows = [invalid() if content is None else valid(content) for content in events]
        commit(self.postgres, rows, first, partition, self.topic)

    def send(self, events: Sequence[dict[str, Any] | None], partition: int = 0) -> None:
        """Send events that no stream takes."""
        values = [b"{" if content is None else as_bytes(content) for content in events]
        self.topics.send(self.topic, [(None, value) for value in values], partition)

    def verify(self) -> Report:
        return verify(self.postgres, self.kafka, timeout_s=0)


@pytest.fixture
def warehouse(database: PostgresSettings, kafka: KafkaSettings, topics: Topics, sql: Sql) -> Warehouse:
    """Ten orders, one of them seen twice, and one dead letter, in two partitions; all members are known."""
    add_customer(sql, "2026-01-01Z")
    add_product(sql, "2026-01-01Z")
    publish_from_raw(database)
    place = Warehouse(database, kafka.model_copy(update={"orders_topic": topics.make()}), topics)
    rows = [event(number) for number in range(10)]
    place.take([*rows[:6], rows[0]])
    place.take([*rows[6:], None], partition=1)
    return place


def found(report: Report) -> dict[str, int]:
    """Return the kinds of fault that were found, with their counts.

    Not the sums, which any change of facts by hand makes wrong as well; they have tests of their own.
    """
    assert tuple(report.findings()) == FINDINGS
    assert report.clean == (not any(finding.count for finding in report.findings().values()))
    return {
        name: finding.count
        for name, finding in report.findings().items()
        if finding.count and name != "wrong_sums"
    }


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
    warehouse.send([None] * 3)
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


@pytest.mark.parametrize("table", ["daily_revenue", "daily_products", "daily_segments", "order_changes"])
@pytest.mark.parametrize("column", ["orders", "units", "revenue"])
def test_a_sum_that_the_facts_do_not_add_up_to(warehouse: Warehouse, sql: Sql, table: str, column: str):
    publish_from_raw(warehouse.postgres)
    warehouse.take([event(60, ordered_at="2026-02-02T00:00:00Z")], first=7)
    sql(f"UPDATE ops.{table} SET {column} = {column} + 1")
    report = warehouse.verify()
    assert found(report) == {}
    assert report.wrong_sums.count == (3 if table == "order_changes" else 1)


def test_a_fact_changed_by_hand_is_missed_in_the_sums(warehouse: Warehouse, sql: Sql):
    sql("UPDATE curated.fact_orders SET quantity = 4 WHERE order_id = %s", uid(3, kind=1))
    assert warehouse.verify().wrong_sums.samples[1] == (
        "daily_revenue 2026-02-03 EUR: 10 orders and 599.70, not 10 and 619.69"
    )


def test_a_fact_that_an_event_beats(warehouse: Warehouse, sql: Sql):
    beaten = "order_version = 1, status = 'placed', event_id"
    warehouse.take([event(60, order_id=uid(3, kind=1), order_version=2, status="paid")], first=7)
    sql(f"UPDATE curated.fact_orders SET {beaten} = %s WHERE order_id = %s", uid(3), uid(3, kind=1))
    report = warehouse.verify()
    assert found(report) == {"different_facts": 1}
    assert report.different_facts.samples == [uid(3, kind=1)]


@pytest.mark.parametrize("key", ["customer_key", "product_key"])
def test_a_fact_that_points_at_no_member_though_it_is_published(warehouse: Warehouse, sql: Sql, key: str):
    sql(f"UPDATE curated.fact_orders SET {key} = 0 WHERE order_id = %s", uid(3, kind=1))
    assert found(warehouse.verify()) == {"different_facts": 1}


def test_a_fact_that_points_at_another_version(warehouse: Warehouse, sql: Sql):
    add_customer(sql, "2026-02-20Z", "loyal")
    publish_from_raw(warehouse.postgres)
    assert found(warehouse.verify()) == {}
    later = "(SELECT customer_key FROM curated.dim_customers WHERE segment = 'loyal')"
    sql(f"UPDATE curated.fact_orders SET customer_key = {later} WHERE order_id = %s", uid(3, kind=1))
    assert found(warehouse.verify()) == {"different_facts": 1}


@pytest.mark.parametrize(
    ("table", "change"),
    [
        *(("customers", f"{name} = 'x'") for name in ("name", "segment")),
        ("customers", "country = 'XX'"),
        *(("products", f"{name} = 'x'") for name in ("name", "category", "currency")),
        ("products", "unit_price = 1"),
        *((table, "valid_to = '2030-01-01Z'") for table in ("customers", "products")),
    ],
)
def test_a_version_that_differs_in_any_column(warehouse: Warehouse, sql: Sql, table: str, change: str):
    sql(f"UPDATE curated.dim_{table} SET {change} WHERE {table[:-1]}_key <> 0")
    report = warehouse.verify()
    assert found(report) == {"different_versions": 1}
    number = 42 if table == "customers" else 7
    assert report.different_versions.samples == [f"{table[:-1]} {number} from 1970-01-01 00:00:00 UTC"]


@pytest.mark.parametrize("table", ["customers", "products"])
def test_a_version_that_is_missing_and_one_with_another_key(warehouse: Warehouse, sql: Sql, table: str):
    member = table[:-1]
    sql(f"UPDATE curated.dim_{table} SET {member}_key = {member}_key + 1 WHERE {member}_key <> 0")
    assert found(warehouse.verify()) == {"different_facts": 10, "different_versions": 1}
    sql(f"DELETE FROM curated.dim_{table}")
    # The unknown member is one of them.
    assert found(warehouse.verify()) == {"different_facts": 10, "different_versions": 2}


@pytest.mark.parametrize("add", [add_customer, add_product])
def test_versions_are_what_a_long_history_says(warehouse: Warehouse, sql: Sql, add: Callable[..., None]):
    for day, value in enumerate(("1", "1", "2", "2", "1", "3", "3"), 1):
        add(sql, f"2026-03-0{day}Z", value)
    assert warehouse.verify().pending_versions > 0
    publish_from_raw(warehouse.postgres)
    report = warehouse.verify()
    assert (found(report), report.pending_versions) == ({}, 0)


def test_what_came_after_the_last_publication_waits_and_is_no_fault(warehouse: Warehouse, sql: Sql):
    add_customer(sql, "2026-03-01Z", "loyal")
    add_product(sql, "2026-01-01Z", product_id=8)
    # A batch that began before they came may publish after it.
    sql("UPDATE ops.publications SET published_at = now() + interval '1 hour'")
    report = warehouse.verify()
    # The version that ends now, the one that begins, and a product's first.
    assert (found(report), report.pending_versions) == ({}, 3)
    sql("UPDATE ops.publications SET customers_mark = (SELECT max(raw_id) FROM raw.customers)")
    report = warehouse.verify()
    assert (found(report), report.pending_versions) == ({"different_versions": 2}, 1)


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
    warehouse.take([event(50, customer_id=1)], first=7)
    report = warehouse.verify()
    assert found(report) == {}
    assert (report.pending_repair, report.facts) == (1, 11)


def test_another_topics_faults_are_not_this_ones(warehouse: Warehouse, sql: Sql):
    commit(warehouse.postgres, [valid(event(50))], topic="another")
    sql("UPDATE ops.stream_offsets SET raw_rows = 9 WHERE topic = 'another'")
    assert found(warehouse.verify()) == {}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("next_offset = next_offset + 1", "/0 ends at offset 7, but 8 offsets of it are committed"),
        ("partition = 5", "/5 ends at offset None, but 7 offsets of it are committed"),
    ],
)
def test_a_topic_that_can_not_be_the_one_that_was_read_is_refused(
    warehouse: Warehouse, sql: Sql, change: str, said: str
):
    sql(f"UPDATE ops.stream_offsets SET {change} WHERE partition = 0")
    with pytest.raises(OffsetsLost, match=said):
        warehouse.verify()


def test_offsets_that_retention_took_are_told_instead_of_waited_for(warehouse: Warehouse):
    warehouse.send([None] * 3)
    warehouse.topics.delete_before(warehouse.topic, {0: 9})
    with pytest.raises(OffsetsLost, match="/0 begins at offset 9, but offset 7 comes next"):
        warehouse.verify()


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
