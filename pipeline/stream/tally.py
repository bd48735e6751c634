"""What one partition of one micro-batch came to: counted where it happens, added up before the commit."""

from dataclasses import dataclass, field

from pipeline.stream.dead_letters import DeadLetter


class DoesNotAddUp(RuntimeError):
    """Rows were read that are nowhere, or in two places; the message has the counts, nothing is committed."""


@dataclass
class Tally:
    """Counts of one partition of one micro-batch; none of them is computed from the others."""

    partition: int
    from_offset: int
    until_offset: int = 0
    rows: int = 0
    staged_rows: int = 0
    copied_rows: int = 0
    raw_rows: int = 0
    new_orders: int = 0
    """Orders that had no fact before."""
    known_events: int = 0
    """Staged rows whose event_id raw.orders has from another place."""
    dlq_rows: int = 0
    repeated_failures: int = 0
    """Replays of an origin in the ledger that failed again."""
    max_timestamp_ms: int = 0
    replayed_origins: list[str] = field(default_factory=list)
    dead: list[DeadLetter] = field(default_factory=list)

    @property
    def duplicate_rows(self) -> int:
        """Rows that were there already: known event_ids, and replays of a known origin that failed again."""
        return self.known_events + self.repeated_failures

    def must_add_up(self, topic: str) -> None:
        """Raise DoesNotAddUp unless every row that was read is in exactly one place."""
        if (
            self.copied_rows == self.staged_rows == self.raw_rows + self.known_events
            and self.rows == self.raw_rows + self.duplicate_rows + self.dlq_rows
        ):
            return
        raise DoesNotAddUp(
            f"{topic}/{self.partition}, offsets {self.from_offset} to {self.until_offset}: {self.rows} rows"
            f" read, {self.staged_rows} of them valid, {self.copied_rows} copied; {self.raw_rows} new in"
            f" raw.orders, {self.known_events} known there; {self.dlq_rows} new in the DLQ,"
            f" {self.repeated_failures} known there: this does not add up, so nothing of it was committed"
        )
