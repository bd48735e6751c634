"""A reader who watches what is published."""

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field

from pipeline.database import connect
from tests.faults.stack import Stack

# One statement, so one snapshot: facts, and those whose keys lead nowhere.
_LOOK = """
SELECT count(*), count(*) FILTER (WHERE customer.customer_key IS NULL OR product.product_key IS NULL)
FROM curated.fact_orders LEFT JOIN curated.dim_customers AS customer USING (customer_key)
LEFT JOIN curated.dim_products AS product USING (product_key)
"""


@dataclass
class Reader:
    """What a dashboard would have seen, looking again and again."""

    looks: int = 0
    least: int = 1 << 62
    orphans: int = 0
    faults: list[str] = field(default_factory=list)

    def look(self, facts: int, orphans: int) -> None:
        self.looks += 1
        if facts < self.least and self.looks > 1:
            self.faults.append(f"{facts} facts after {self.least}")
        self.least = facts
        self.orphans += orphans


@contextmanager
def reading(stack: Stack) -> Iterator[Reader]:
    """Look in a loop until the end of the block, as the role that dashboards have."""
    reader, stop = Reader(), threading.Event()

    def loop() -> None:
        with closing(connect(stack.postgres, "bi_readonly", "ecom-faults-reader")) as connection:
            connection.autocommit = True
            cursor = connection.cursor()
            while not stop.wait(0.02):
                cursor.execute(_LOOK)
                reader.look(*(cursor.fetchone() or (0, 0)))

    thread = threading.Thread(target=loop)
    thread.start()
    try:
        yield reader
    finally:
        stop.set()
        thread.join()
