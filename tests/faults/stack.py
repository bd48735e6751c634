"""The stack that the fault tests hurt: real PostgreSQL, Kafka and stream in a home of their own."""

import os
import signal
from collections.abc import Mapping
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
from psycopg2.extensions import connection as Connection

from cli.demo_days import answer_for
from environments import embedded
from environments.embedded import process
from pipeline.database import connect
from pipeline.rebuild.publish import publish_from_raw
from pipeline.settings import KafkaSettings, PostgresSettings, from_variables
from pipeline.stream.progress import committed_offsets
from producer.seed import SeedPlan, seed
from tests.waiting import until

CUSTOMERS, PRODUCTS = 200, 50


class Stack:
    """One environment; it can be killed whole and started again on the same home."""

    def __init__(self, home: embedded.Home, config: Path) -> None:
        self.home = home
        self.reports: list[Path] = []
        self._options = embedded.Options(home, config, services=("postgres", "kafka", "stream"))
        self.start()

    def start(self) -> None:
        # Leashed: whatever ends the tests ends it too.
        platform = embedded.start(self._options, leashed=True).platform
        assert platform is not None
        self.variables = platform.as_env()
        self.env = {**os.environ, **self.variables}
        self.postgres = from_variables(PostgresSettings, self.variables)
        self.kafka = from_variables(KafkaSettings, self.variables)

    def seed(self) -> None:
        seed(self.postgres, SeedPlan(customers=CUSTOMERS, products=PRODUCTS, orders=3_000, days=30))
        publish_from_raw(self.postgres)
        # Bursts are not what a usual day looks like, and shortly after midnight a run judges a day with one.
        with self.connect() as connection, connection:
            answer_for(connection, datetime.now(UTC).date())

    def topic(self, name: str) -> KafkaSettings:
        """Return the Kafka settings of a pipeline of its own, beside the supervised one."""
        return self.kafka.model_copy(update={"orders_topic": name, "dlq_topic": f"{name}-dlq"})

    def connect(self) -> "closing[Connection]":
        return closing(connect(self.postgres, "admin", "ecom-faults"))

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        with self.connect() as connection, connection, connection.cursor() as cursor:
            cursor.execute(query, values)
            return list(cursor.fetchall())

    def change(self, query: str, values: Mapping[str, Any]) -> None:
        with self.connect() as connection, connection, connection.cursor() as cursor:
            cursor.execute(query, values)

    def committed(self, topic: str | None = None) -> int:
        """Return how many offsets of the topic are committed; it only grows."""
        with self.connect() as connection, connection:
            return sum(committed_offsets(connection, topic or self.kafka.orders_topic).values())

    def wait_for_commit(self, more_than: int) -> None:
        """Wait until the stream has committed more than this many offsets."""
        until(lambda: self.committed() > more_than, "the stream commits", self.stream_log)

    def stream_log(self) -> str:
        return self.home.log("stream").read_text(encoding="utf-8", errors="replace")[-3_000:]

    def restarts(self, name: str = "stream") -> int:
        return embedded.service(self.home, name).restarts

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> None:
        """Send a service's leading process a signal, and wait until its successor is ready."""
        killed = embedded.send(self.home, name, number)
        embedded.wait_ready(self.home, name, not_as=killed)

    def kill_everything(self) -> None:
        """SIGKILL the supervisor first, so that it can't tidy up, then each of its processes."""
        state = embedded.load(self.home)
        assert state is not None
        processes = process.members(self.home)
        assert state.supervisor.send(signal.SIGKILL)
        process.kill(processes)
        # Those that a dying parent started meanwhile.
        process.kill(process.members(self.home))

    def stream_processes(self) -> dict[str, list[int]]:
        """Return the pids of the streaming job's processes by kind: driver, jvm, worker, other."""
        unit = embedded.service(self.home, "stream")
        assert unit.process is not None
        found: dict[str, list[int]] = {"driver": [unit.process.pid], "jvm": [], "worker": [], "other": []}
        for child in process.tree([unit.process]):
            # Spark's launcher and its workers come and go between the listing and the look.
            with suppress(psutil.NoSuchProcess):
                if child.pid != unit.process.pid:
                    found[_kind(child)].append(child.pid)
        return found


def _kind(child: psutil.Process) -> str:
    if child.name().startswith("java"):
        return "jvm"
    parent = child.parent()
    return "worker" if parent and "pyspark.daemon" in parent.cmdline() else "other"


def kill_now(pids: list[int]) -> None:
    """SIGKILL processes of the stack, as fast as it goes; one that has just ended is as good as killed."""
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
