"""Prove that nothing was lost or doubled: account for every offset, and rebuild the facts independently."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from pipeline.database import connect_patiently
from pipeline.rebuild.publish import run_script
from pipeline.settings import KafkaSettings, PostgresSettings
from pipeline.stream.offsets import Offsets, check_against_kafka
from pipeline.stream.progress import committed_offsets
from pipeline.stream.topic import topic_range

POLL_S = 0.25
SAMPLES = 5

_FACT_COLUMNS = (
    "order_id, order_version, event_id, ordered_at, customer_key, product_key, customer_id, product_id,"
    " quantity, unit_price, currency, status"
)


class StreamBehind(RuntimeError):
    """The stream did not reach the fixed end offsets; the message says how far it is behind."""


@dataclass(frozen=True)
class Finding:
    """One kind of fault: how many, and sample keys."""

    count: int
    samples: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Report:
    """What `ecom verify` found. Counts are events for the first block, orders for the second."""

    topic: str
    offsets: int
    raw_rows: int
    duplicates: int
    dlq_origins: int
    facts: int
    pending_repair: int
    lost: Finding
    doubled: Finding
    missing_facts: Finding
    surplus_facts: Finding
    different_facts: Finding
    counter_drift: Finding

    @property
    def clean(self) -> bool:
        """Whether no fault was found; orders that wait for their customer or product are no fault."""
        return not any(finding.count for finding in self.findings().values())

    def findings(self) -> dict[str, Finding]:
        """Return the faults by name."""
        return {name: value for name, value in vars(self).items() if isinstance(value, Finding)}

    def as_dict(self) -> dict[str, Any]:
        """Return what `--json` prints."""
        return {"clean": self.clean, **asdict(self)}


def verify(
    postgres: PostgresSettings,
    kafka: KafkaSettings,
    timeout_s: float = 120,
    on_wait: Callable[[int], None] = lambda behind: None,
) -> Report:
    """Fix the topic's end offsets, wait until they are committed, and check one snapshot of the warehouse.

    `on_wait` is told how many offsets are still to come. Raises StreamBehind after `timeout_s` seconds
    without any progress, OffsetsLost where Kafka and `ops` can't be brought together, TopicMissing,
    KafkaUnavailable or DatabaseUnavailable.
    """
    connection = connect_patiently(postgres, "etl", "ecom-verify")
    try:
        end = _fixed_end(connection, kafka)
        _wait_for(connection, kafka.orders_topic, end, timeout_s, on_wait)
        connection.set_session(isolation_level="REPEATABLE READ")
        with connection, connection.cursor() as cursor:
            return _check(cursor, kafka.orders_topic)
    finally:
        connection.close()


def _fixed_end(connection: Connection, kafka: KafkaSettings) -> Offsets:
    # What is committed first: read after Kafka's end it could be ahead of it while the stream runs.
    with connection:
        committed = committed_offsets(connection, kafka.orders_topic)
    held = topic_range(kafka, kafka.orders_topic)
    check_against_kafka(committed, held)
    return held.end


def _wait_for(
    connection: Connection, topic: str, end: Offsets, timeout_s: float, on_wait: Callable[[int], None]
) -> None:
    least, since = None, time.monotonic()
    while True:
        with connection:
            committed = committed_offsets(connection, topic)
        behind = sum(max(0, offset - committed.get(partition, 0)) for partition, offset in end.items())
        on_wait(behind)
        if not behind:
            return
        if least is None or behind < least:
            least, since = behind, time.monotonic()
        if time.monotonic() - since > timeout_s:
            raise StreamBehind(
                f"{behind} events of {topic} are not committed and none came in {timeout_s:.0f} s:"
                " is the streaming job running? (`ecom status`, `ecom logs stream`)"
            )
        time.sleep(POLL_S)  # a poll of the committed offsets, until they reach the end


def _check(cursor: Cursor, topic: str) -> Report:
    accounts = _accounts(cursor, topic)
    run_script(cursor, "facts.sql")
    totals = {
        name: sum(int(row[name]) for row in accounts) for name in ("offsets", "raw", "duplicates", "dlq")
    }
    return Report(
        topic=topic,
        offsets=totals["offsets"],
        raw_rows=totals["raw"],
        duplicates=totals["duplicates"],
        dlq_origins=totals["dlq"],
        facts=_scalar(cursor, "SELECT count(*) FROM curated.fact_orders"),
        pending_repair=_scalar(
            cursor, "SELECT count(*) FROM curated.fact_orders WHERE customer_key = 0 OR product_key = 0"
        ),
        lost=_unaccounted(accounts, topic, sign=1),
        doubled=_doubled(cursor, accounts, topic),
        counter_drift=_drift(accounts, topic),
        missing_facts=_facts(cursor, "rebuilt.order_id IS NOT NULL AND fact.order_id IS NULL"),
        surplus_facts=_facts(cursor, "rebuilt.order_id IS NULL"),
        different_facts=_facts(cursor, "rebuilt.order_id = fact.order_id AND rebuilt IS DISTINCT FROM fact"),
    )


def _scalar(cursor: Cursor, query: str) -> int:
    cursor.execute(query)
    (value,) = cursor.fetchone() or (0,)
    return int(value)


def _accounts(cursor: Cursor, topic: str) -> list[dict[str, Any]]:
    """Return a row per partition: offsets read, and where they went, counted in the tables themselves."""
    cursor.execute(
        "SELECT o.partition, o.next_offset - o.first_offset, coalesce(r.rows, 0), o.duplicate_rows,"
        " coalesce(d.rows, 0), o.raw_rows, o.dlq_rows FROM ops.stream_offsets o"
        " LEFT JOIN (SELECT source_partition, count(*) AS rows FROM raw.orders WHERE source = %(topic)s"
        "   GROUP BY 1) r ON r.source_partition = o.partition"
        " LEFT JOIN (SELECT partition, count(*) AS rows FROM ops.dlq_events WHERE topic = %(topic)s"
        "   GROUP BY 1) d ON d.partition = o.partition"
        " WHERE o.topic = %(topic)s ORDER BY 1",
        {"topic": topic},
    )
    names = ("partition", "offsets", "raw", "duplicates", "dlq", "counted_raw", "counted_dlq")
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _unaccounted(accounts: list[dict[str, Any]], topic: str, sign: int) -> Finding:
    gaps = {
        f"{topic}/{row['partition']}": sign * (row["offsets"] - row["raw"] - row["duplicates"] - row["dlq"])
        for row in accounts
    }
    found = {place: gap for place, gap in gaps.items() if gap > 0}
    return Finding(sum(found.values()), [f"{place}: {gap} events" for place, gap in found.items()])


def _doubled(cursor: Cursor, accounts: list[dict[str, Any]], topic: str) -> Finding:
    cursor.execute(
        "SELECT source_partition, source_offset FROM raw.orders WHERE source = %s"
        " GROUP BY 1, 2 HAVING count(*) > 1",
        (topic,),
    )
    twice = [f"{topic}/{partition}/{offset}" for partition, offset in cursor.fetchall()]
    surplus = _unaccounted(accounts, topic, sign=-1)
    return Finding(len(twice) + surplus.count, (twice + surplus.samples)[:SAMPLES])


def _drift(accounts: list[dict[str, Any]], topic: str) -> Finding:
    """Compare the counters that outlive Kafka's retention with the rows that they count."""
    wrong = [
        f"{topic}/{row['partition']}: {name} {row[name]}, counted {row['counted_' + name]}"
        for row in accounts
        for name in ("raw", "dlq")
        if row[name] != row["counted_" + name]
    ]
    return Finding(len(wrong), wrong[:SAMPLES])


def _facts(cursor: Cursor, condition: str) -> Finding:
    cursor.execute(
        "SELECT coalesce(rebuilt.order_id, fact.order_id)::text, count(*) OVER ()"  # noqa: S608 (our constants)
        f" FROM (SELECT {_FACT_COLUMNS} FROM rebuilt_facts) rebuilt"
        f" FULL JOIN (SELECT {_FACT_COLUMNS} FROM curated.fact_orders) fact USING (order_id)"
        f" WHERE {condition} ORDER BY 1 LIMIT {SAMPLES}"
    )
    rows = cursor.fetchall()
    return Finding(rows[0][1] if rows else 0, [order_id for order_id, _ in rows])
