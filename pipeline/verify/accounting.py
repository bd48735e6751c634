"""Every offset that was read, and where it went."""

from dataclasses import dataclass

from psycopg2.extensions import cursor as Cursor

from pipeline.verify.report import SAMPLES, Finding


@dataclass(frozen=True)
class Account:
    """One partition: offsets read, and where they went; `raw` and `dlq` are counted in their tables."""

    partition: int
    offsets: int
    raw: int
    duplicates: int
    dlq: int
    skipped: int
    counted_raw: int
    counted_dlq: int

    @property
    def gap(self) -> int:
        """Offsets that are nowhere; below 0 what is there more than once."""
        return self.offsets - self.raw - self.duplicates - self.dlq - self.skipped


def accounts(cursor: Cursor, topic: str) -> list[Account]:
    """Return each partition's account."""
    cursor.execute(
        "SELECT o.partition, o.next_offset - o.first_offset, coalesce(r.rows, 0), o.duplicate_rows,"
        " coalesce(d.rows, 0), o.skipped_offsets, o.raw_rows, o.dlq_rows FROM ops.stream_offsets o"
        " LEFT JOIN (SELECT source_partition, count(*) AS rows FROM raw.orders WHERE source = %(topic)s"
        "   GROUP BY 1) r ON r.source_partition = o.partition"
        " LEFT JOIN (SELECT partition, count(*) AS rows FROM ops.dlq_events WHERE topic = %(topic)s"
        "   GROUP BY 1) d ON d.partition = o.partition"
        " WHERE o.topic = %(topic)s ORDER BY 1",
        {"topic": topic},
    )
    return [Account(*row) for row in cursor.fetchall()]


def lost(found: list[Account], topic: str) -> Finding:
    """Return the offsets that were read and are nowhere."""
    return _gaps({f"{topic}/{account.partition}": account.gap for account in found})


def doubled(cursor: Cursor, found: list[Account], topic: str) -> Finding:
    """Return the offsets that raw.orders has twice, and the rows for which no offset was read."""
    cursor.execute(
        "SELECT source_partition, source_offset FROM raw.orders WHERE source = %s"
        " GROUP BY 1, 2 HAVING count(*) > 1",
        (topic,),
    )
    twice = [f"{topic}/{partition}/{offset}" for partition, offset in cursor.fetchall()]
    surplus = _gaps({f"{topic}/{account.partition}": -account.gap for account in found})
    return Finding(len(twice) + surplus.count, (twice + surplus.samples)[:SAMPLES])


def drift(found: list[Account], topic: str) -> Finding:
    """Compare the counters that outlive Kafka's retention with the rows that they count."""
    wrong = [
        f"{topic}/{account.partition}: {name} {rows}, counted {counted}"
        for account in found
        for name, rows, counted in (
            ("raw", account.raw, account.counted_raw),
            ("dlq", account.dlq, account.counted_dlq),
        )
        if rows != counted
    ]
    return Finding(len(wrong), wrong[:SAMPLES])


def _gaps(gaps: dict[str, int]) -> Finding:
    found = {place: gap for place, gap in gaps.items() if gap > 0}
    return Finding(sum(found.values()), [f"{place}: {gap} events" for place, gap in found.items()])
