"""The producer against a real broker: what it says was acknowledged is what the topic holds."""

import json
import os
import signal
import subprocess
import sys
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.admin import NewTopic

from infra.platform import Platform
from pipeline.events import OrderEvent

PARTITIONS = 3
MIXED = ("--updates", "0.3", "--late", "0.05", "--duplicate", "0.05", "--invalid", "0.1")
Env = dict[str, str]


@pytest.fixture
def env(platform: Platform) -> Iterator[Env]:
    """The platform's variables with an empty topic of the test's own."""
    topic = f"orders-{uuid.uuid4().hex[:8]}"
    admin = KafkaAdminClient(bootstrap_servers=platform.kafka.bootstrap_servers)
    admin.create_topics([NewTopic(topic, PARTITIONS, 1)])
    yield {**os.environ, **platform.as_env(), "ECOM_KAFKA_ORDERS_TOPIC": topic}
    admin.delete_topics([topic])
    admin.close()


def start(env: Env, *options: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "producer", "--json", *options]
    return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def produce(env: Env, *options: str) -> tuple[int, dict[str, Any], str]:
    """Run the producer to its end; return exit code, summary and stderr."""
    process = start(env, *options)
    out, err = process.communicate(timeout=120)
    return process.returncode, json.loads(out or "{}"), err


def topic_content(env: Env) -> dict[tuple[int, int], tuple[bytes, bytes]]:
    """Return (key, value) by (partition, offset) of the whole topic."""
    consumer = KafkaConsumer(
        bootstrap_servers=env["ECOM_KAFKA_BOOTSTRAP_SERVERS"], auto_offset_reset="earliest", group_id=None
    )
    parts = [TopicPartition(env["ECOM_KAFKA_ORDERS_TOPIC"], number) for number in range(PARTITIONS)]
    consumer.assign(parts)
    ends = consumer.end_offsets(parts)
    content: dict[tuple[int, int], tuple[bytes, bytes]] = {}
    while any(consumer.position(part) < ends[part] for part in parts):
        for records in consumer.poll(timeout_ms=500).values():
            content.update(
                {(record.partition, record.offset): (record.key, record.value) for record in records}
            )
    consumer.close()
    return content


def reported(path: Path) -> dict[tuple[int, int], dict[str, Any]]:
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return {(line["partition"], line["offset"]): line for line in lines}


def test_summary_report_and_topic_agree(env: Env, tmp_path: Path):
    path = tmp_path / "report.jsonl"
    code, summary, err = produce(env, "--rate", "0", "--count", "3000", "--report", str(path), *MIXED)
    assert (code, err) == (0, "")
    content, report = topic_content(env), reported(path)
    assert content.keys() == report.keys()
    assert (summary["delivered"], summary["failed"], len(content)) == (3_000, 0, 3_000)
    assert (
        summary["produced"]
        == summary["delivered_by_kind"]
        == Counter(line["kind"] for line in report.values())
    )
    for place, line in report.items():
        key, value = content[place]
        if line["event_id"] is not None:
            event = OrderEvent.model_validate_json(value)
            assert (event.event_id, event.order_id.encode()) == (line["event_id"], key)


def test_the_same_start_sends_the_same_bytes(env: Env):
    options = ("--rate", "0", "--count", "400", "--start", "2026-05-01T10:00:00Z", *MIXED)
    produce(env, *options)
    first = Counter(topic_content(env).values())
    produce(env, *options)
    assert Counter(topic_content(env).values()) == first + first


def test_two_runs_with_the_same_seed_share_no_event(env: Env):
    for _ in range(2):
        produce(env, "--rate", "0", "--count", "300")
    assert (
        len({OrderEvent.model_validate_json(value).event_id for _, value in topic_content(env).values()})
        == 600
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_signal_flushes_and_tells_the_truth(env: Env, tmp_path: Path, number: signal.Signals):
    path = tmp_path / "report.jsonl"
    process = start(env, "--rate", "500", "--report", str(path))
    # The first acknowledged line says that it's in the middle of its work.
    while process.poll() is None and not (path.exists() and path.stat().st_size):
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.05)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    summary = json.loads(out)
    content = topic_content(env)
    assert (process.returncode, err, summary["failed"]) == (0, "", 0)
    assert summary["delivered"] == len(content) == len(reported(path)) > 0
    assert sum(summary["produced"].values()) == summary["delivered"]


def test_a_rate_and_a_duration_are_kept(env: Env):
    code, summary, _ = produce(env, "--rate", "200", "--duration", "3")
    assert code == 0
    assert summary["delivered"] == pytest.approx(600, rel=0.1)


def test_no_broker_is_one_line_and_exit_code_1(env: Env):
    env = {**env, "ECOM_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"}
    code, summary, err = produce(env, "--count", "5", "--give-up-after", "2")
    assert (code, summary) == (1, {})
    assert err == "error: Kafka at 127.0.0.1:1 is not available (tried for 2 s)\n"


def test_no_topic_is_one_line_and_exit_code_1(env: Env):
    code, summary, err = produce(
        {**env, "ECOM_KAFKA_ORDERS_TOPIC": "absent"}, "--count", "5", "--give-up-after", "2"
    )
    assert (code, summary) == (1, {})
    assert err.count("\n") == 1
    assert "has no topic 'absent'" in err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--late", "1.5"), "--late"),
        (("--late", "0.6", "--invalid", "0.6"), "more than 1"),
        (("--rat", "5"), "--rat"),
        (("--count", "many"), "--count"),
    ],
)
def test_wrong_options_are_named(env: Env, options: tuple[str, ...], said: str):
    code, summary, err = produce(env, *options)
    assert (code, summary) == (2, {})
    assert said in err
    assert "Traceback" not in err
