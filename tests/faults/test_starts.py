"""Starts that find things not as they were left: a second job, other checkpoints, an older database."""

import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.rebuild.publish import publish_from_raw
from pipeline.settings import KafkaSettings
from pipeline.verify import verify
from tests.faults.oracle import check
from tests.faults.programs import create_topics, delete_topics, job, producing
from tests.faults.stack import Stack
from tests.waiting import until

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]


@pytest.fixture
def topic(stack: Stack) -> Iterator[KafkaSettings]:
    """A topic of the test's own, beside the supervised one; what came of it is removed at the end."""
    settings = stack.topic(f"own-{uuid.uuid4().hex[:8]}")
    create_topics(stack, settings)
    yield settings
    forget(stack, settings.orders_topic)
    delete_topics(stack, settings)


@pytest.fixture
def checkpoints(stack: Stack) -> Path:
    return stack.home.root.parent / f"checkpoints-{uuid.uuid4().hex[:8]}"


def forget(stack: Stack, topic: str, keep: int = 0) -> None:
    """Take a topic's offsets from `keep` on out of the database, and what came of them."""
    stack.change(Path(__file__).with_name("forget.sql").read_text(), {"topic": topic, "keep": keep})
    publish_from_raw(stack.postgres)


def produce(stack: Stack, topic: KafkaSettings, count: int) -> None:
    before = stack.env, list(stack.reports)
    stack.env = {**stack.env, "ECOM_KAFKA_ORDERS_TOPIC": topic.orders_topic}
    try:
        with producing(stack, 0, count) as producer:
            producer.finish()
    finally:
        stack.env, stack.reports = before


def consume(stack: Stack, topic: KafkaSettings, checkpoints: Path) -> str:
    """Run a job until everything in the topic is committed and accounted for; return its log."""
    with job(stack, topic, checkpoints) as running:
        running.wait_ready()
        report = verify(stack.postgres, topic)
        assert report.clean, report.as_dict()
        return running.log()


@pytest.mark.parametrize("checkpoint", ["the same", "another"])
def test_a_forgotten_second_job_doubles_nothing(stack: Stack, checkpoints: Path, checkpoint: str):
    place = stack.home.root / "checkpoints" if checkpoint == "the same" else checkpoints
    with producing(stack, 300, 1_000_000) as producer, job(stack, stack.kafka, place) as second:
        # On the same checkpoint one of the two may have to give way; events flow in any case.
        until(
            lambda: second.process.poll() is not None or "events in" in second.log(), "the second one works"
        )
        for _ in range(10):
            stack.wait_for_commit(more_than=stack.committed())
        producer.stop()
        check(stack)


def test_a_deleted_checkpoint_changes_nothing(stack: Stack, topic: KafkaSettings, checkpoints: Path):
    produce(stack, topic, 1_000)
    consume(stack, topic, checkpoints)
    shutil.rmtree(checkpoints)
    produce(stack, topic, 500)
    consume(stack, topic, checkpoints)
    assert stack.committed(topic.orders_topic) == 1_500


@pytest.mark.parametrize("keep", [100, 0])
def test_a_database_restored_from_a_backup_is_caught_up_from_there(
    stack: Stack, topic: KafkaSettings, checkpoints: Path, keep: int
):
    produce(stack, topic, 1_000)
    consume(stack, topic, checkpoints)
    forget(stack, topic.orders_topic, keep)
    log = consume(stack, topic, checkpoints)
    assert "is ahead of what was committed" in log
    assert "starting from ops.stream_offsets" in log
    assert list(checkpoints.glob("*.aside-*"))


@pytest.mark.parametrize("keep", [100, 0])
def test_a_database_that_goes_back_under_a_running_stream_is_noticed_and_caught_up(
    stack: Stack, topic: KafkaSettings, checkpoints: Path, keep: int
):
    produce(stack, topic, 1_000)
    with job(stack, topic, checkpoints) as running:
        running.wait_ready()
        verify(stack.postgres, topic)
        forget(stack, topic.orders_topic, keep)
        produce(stack, topic, 500)
        assert running.process.wait(120) == 1
        # Not simply the last line: what the JVM says of the tasks that it ended may come after it.
        said = [line for line in running.log().splitlines() if line.startswith("error: ")]
        assert "PostgreSQL went back in time" in said[-1], running.log()[-5_000:]
    consume(stack, topic, checkpoints)
    assert stack.committed(topic.orders_topic) == 1_500


@pytest.mark.parametrize("damaged", ["commits", "offsets", "metadata", "sources/0"])
def test_a_damaged_checkpoint_is_set_aside(
    stack: Stack, topic: KafkaSettings, checkpoints: Path, damaged: str
):
    produce(stack, topic, 300)
    consume(stack, topic, checkpoints)
    place = checkpoints / f"{topic.orders_topic}-stream" / damaged
    newest = place if place.is_file() else max(place.glob("[0-9]*"), key=lambda path: int(path.name))
    newest.with_name(f".{newest.name}.crc").unlink(missing_ok=True)
    newest.write_bytes(newest.read_bytes()[:5])
    produce(stack, topic, 200)
    log = consume(stack, topic, checkpoints)
    assert "it can't be read; starting from ops.stream_offsets" in log
    assert stack.committed(topic.orders_topic) == 500


def test_a_recreated_topic_is_refused_in_words(stack: Stack, topic: KafkaSettings, checkpoints: Path):
    produce(stack, topic, 300)
    consume(stack, topic, checkpoints)
    delete_topics(stack, topic)
    create_topics(stack, topic)
    with job(stack, topic, checkpoints) as refused:
        assert refused.process.wait(120) == 1
        assert f"{topic.orders_topic}/0 ends at offset 0" in refused.log()
        assert "the topic was deleted or recreated" in refused.log()
        assert "another name (ECOM_KAFKA_ORDERS_TOPIC)" in refused.log()
        assert "Traceback" not in refused.log()
