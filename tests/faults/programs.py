"""The programs that tests start beside the supervised ones: producers, and streaming jobs of their own."""

import json
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from kafka import KafkaAdminClient

from environments.embedded.home import REPOSITORY
from pipeline.settings import KafkaSettings
from tests.faults.stack import CUSTOMERS, PRODUCTS, Stack
from tests.waiting import until

MIXED = ("--updates", "0.3", "--late", "0.05", "--duplicate", "0.1", "--invalid", "0.05")
PARTITIONS = 3
_PRODUCER = (sys.executable, "-m", "producer", "--json")


class Producer:
    """A real producer with its report of acknowledged messages, which the stack keeps for its checks."""

    def __init__(self, stack: Stack, rate: float, count: int) -> None:
        self.report = stack.home.root.parent / f"report-{uuid.uuid4().hex[:8]}.jsonl"
        stack.reports.append(self.report)
        catalog = ("--customers", str(CUSTOMERS), "--products", str(PRODUCTS))
        amount = ("--rate", str(rate), "--count", str(count), "--give-up-after", "120")
        self.process = subprocess.Popen(
            [*_PRODUCER, "--report", str(self.report), *amount, *catalog, *MIXED],
            env=stack.env,
            cwd=REPOSITORY,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def acknowledged(self) -> int:
        return len(self.report.read_bytes().splitlines()) if self.report.exists() else 0

    def wait_for(self, messages: int) -> None:
        """Wait until this many messages are acknowledged; fail if it ended before."""

        def there() -> bool:
            assert self.process.poll() is None, f"the producer ended: {self.process.communicate()}"
            return self.acknowledged() >= messages

        until(there, f"{messages} messages are acknowledged", lambda: f"{self.acknowledged()} were")

    def finish(self) -> dict[str, Any]:
        """Wait for its end; it must have survived, with every message acknowledged."""
        out, err = self.process.communicate(timeout=400)
        assert self.process.returncode == 0, err
        summary: dict[str, Any] = json.loads(out)
        assert summary["failed"] == 0
        assert summary["delivered"] == self.acknowledged()
        return summary

    def stop(self) -> None:
        """End it early; what was acknowledged counts."""
        self.process.terminate()
        self.finish()

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


@contextmanager
def producing(stack: Stack, rate: float, count: int) -> Iterator[Producer]:
    """Run a producer; a test that fails leaves none behind."""
    producer = Producer(stack, rate, count)
    try:
        yield producer
    finally:
        if producer.process.poll() is None:
            producer.kill()


class Job:
    """A streaming job that no supervisor restarts."""

    def __init__(self, stack: Stack, topic: KafkaSettings, checkpoints: Path) -> None:
        name = uuid.uuid4().hex[:8]
        self._ready = stack.home.root.parent / f"ready-{name}"
        self.log_file = stack.home.root.parent / f"job-{name}.log"
        variables = {
            "ECOM_KAFKA_ORDERS_TOPIC": topic.orders_topic,
            "ECOM_KAFKA_DLQ_TOPIC": topic.dlq_topic,
            "ECOM_STORAGE_CHECKPOINTS": checkpoints.as_uri(),
            "ECOM_STREAM_READY_FILE": str(self._ready),
            "PYSPARK_PYTHON": sys.executable,
        }
        with self.log_file.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "pipeline.stream"],
                env={**stack.env, **variables},
                cwd=REPOSITORY,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def log(self) -> str:
        return self.log_file.read_text(encoding="utf-8", errors="replace")

    def wait_ready(self) -> None:
        def ready() -> bool:
            assert self.process.poll() is None, f"the job ended:\n{self.log()}"
            return self._ready.exists()

        until(ready, "the job is ready", self.log)

    def end(self) -> None:
        """Stop it and whatever it started: its session is its own."""
        self.process.terminate()
        try:
            self.process.wait(60)
        finally:
            # The JVM may outlive its driver by a moment; an empty group is no error.
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)


@contextmanager
def job(stack: Stack, topic: KafkaSettings, checkpoints: Path) -> Iterator[Job]:
    """Run a streaming job of the test's own until the end of the block."""
    running = Job(stack, topic, checkpoints)
    try:
        yield running
    finally:
        running.end()


def create_topics(stack: Stack, topic: KafkaSettings) -> None:
    # Kafka goes by a message's own timestamp: it deletes old ones within minutes, read or not.
    options = {"num_partitions": PARTITIONS, "configs": {"retention.ms": "-1"}}
    wanted = dict.fromkeys((topic.orders_topic, topic.dlq_topic), options)
    admin = KafkaAdminClient(bootstrap_servers=stack.kafka.bootstrap_servers)
    admin.create_topics(wanted, wait_for_metadata=True)
    admin.close()


def delete_topics(stack: Stack, topic: KafkaSettings) -> None:
    admin = KafkaAdminClient(bootstrap_servers=stack.kafka.bootstrap_servers)
    admin.delete_topics([topic.orders_topic, topic.dlq_topic])
    until(lambda: topic.orders_topic not in admin.list_topics(), "the topic is gone")
    admin.close()
