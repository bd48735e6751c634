"""Go on without the events that Kafka's retention removed before they were read, and keep account of them."""

from dataclasses import dataclass

from psycopg2.extensions import connection as Connection

from pipeline.stream.offsets import TopicRange


@dataclass(frozen=True)
class Skipped:
    """Offsets of one partition that are given up: from `first` on, up to but without `until`."""

    partition: int
    first: int
    until: int

    @property
    def count(self) -> int:
        """How many they are."""
        return self.until - self.first


def skip_to_earliest(connection: Connection, held: TopicRange) -> list[Skipped]:
    """Move each partition that is behind what Kafka holds to its beginning; return what was given up.

    One transaction, under the lock that the stream's commits take, so it is safe at any time and a second run
    changes nothing. Partitions that Kafka still holds what comes next of are left alone.
    """
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT partition, next_offset FROM ops.stream_offsets WHERE topic = %s ORDER BY 1 FOR UPDATE",
            (held.topic,),
        )
        found = [Skipped(partition, at, held.begin.get(partition, 0)) for partition, at in cursor.fetchall()]
        behind = [skipped for skipped in found if skipped.count > 0]
        for skipped in behind:
            cursor.execute(
                "UPDATE ops.stream_offsets SET next_offset = %s, skipped_offsets = skipped_offsets + %s,"
                " committed_at = clock_timestamp() WHERE topic = %s AND partition = %s",
                (skipped.until, skipped.count, held.topic, skipped.partition),
            )
    return behind
