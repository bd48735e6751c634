"""A dashboard that looks again and again while something is published."""

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field

from pipeline.database import connect
from pipeline.settings import PostgresSettings

_TABLES = ("dim_customers", "dim_products", "fact_orders")
# One statement, so one snapshot of all three tables.
_LOOK = "SELECT " + ", ".join(
    f"(SELECT md5(coalesce(string_agg(t::text, ',' ORDER BY t::text), '')) FROM curated.{name} AS t)"
    for name in _TABLES
)


@dataclass
class Reader:
    """What was seen: each state of curated once for as long as it lasted, and how often was looked."""

    states: list[tuple[str, ...]] = field(default_factory=list)
    looks: int = 0
    looked: threading.Condition = field(default_factory=threading.Condition)

    def see(self, state: tuple[str, ...]) -> None:
        with self.looked:
            self.looks += 1
            if not self.states or self.states[-1] != state:
                self.states.append(state)
            self.looked.notify_all()

    def look_again(self) -> None:
        """Return after a look that began after the call."""
        with self.looked:
            wanted = self.looks + 2
            assert self.looked.wait_for(lambda: self.looks >= wanted, 30), "the reader reads no more"


@contextmanager
def reading(settings: PostgresSettings) -> Iterator[Reader]:
    """Look in a loop until the end of the block, as the role that dashboards have."""
    reader, stop = Reader(), threading.Event()

    def loop() -> None:
        with closing(connect(settings, "bi_readonly", "tests-reader")) as connection:
            connection.autocommit = True
            cursor = connection.cursor()
            while not stop.is_set():
                cursor.execute(_LOOK)
                reader.see(cursor.fetchone() or ())

    thread = threading.Thread(target=loop)
    thread.start()
    try:
        reader.look_again()
        yield reader
        reader.look_again()
    finally:
        stop.set()
        thread.join()
