"""Batch runs that can be killed, and a reader who watches what is published."""

import os
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field

from environments.embedded.home import REPOSITORY
from pipeline.database import connect
from tests.faults.stack import Stack

# One statement, so one snapshot: facts, and those whose keys lead nowhere or to a version of another time,
# which is how facts look beside dimensions of another publication.
_LOOK = """
SELECT count(*), count(*) FILTER (WHERE (
    ordered_at >= customer.valid_from AND ordered_at < customer.valid_to
    AND ordered_at >= product.valid_from AND ordered_at < product.valid_to
) IS NOT TRUE)
FROM curated.fact_orders LEFT JOIN curated.dim_customers AS customer USING (customer_key)
LEFT JOIN curated.dim_products AS product USING (product_key)
"""


class BatchProcess:
    """`python -m pipeline.jobs all`, in a session of its own, with a log."""

    def __init__(self, stack: Stack) -> None:
        self.log_file = stack.home.root.parent / f"batch-{uuid.uuid4().hex[:8]}.log"
        with self.log_file.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "pipeline.jobs", "all"],
                env={**stack.env, "PYSPARK_PYTHON": sys.executable},
                cwd=REPOSITORY,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def log(self) -> str:
        return self.log_file.read_text(encoding="utf-8", errors="replace")[-3_000:]

    def kill(self) -> None:
        """SIGKILL it, its JVM and its workers."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def finish(self) -> None:
        assert self.process.wait(300) == 0, self.log()


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
            # A look reads every fact; at full speed it would take the cores from those it watches.
            cursor.execute("SET max_parallel_workers_per_gather = 0")
            while not stop.wait(0.2):
                cursor.execute(_LOOK)
                reader.look(*(cursor.fetchone() or (0, 0)))

    thread = threading.Thread(target=loop)
    thread.start()
    try:
        yield reader
    finally:
        stop.set()
        thread.join()
