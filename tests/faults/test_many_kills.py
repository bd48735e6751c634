"""The kills at full length: many, at random moments, of every process there is."""

import random
import signal
import threading
import time
from itertools import chain

import pytest

from environments import embedded
from pipeline.database import connect
from pipeline.stream.progress import committed_offsets
from tests.faults.checkpoint_files import CheckpointFiles
from tests.faults.oracle import check
from tests.faults.programs import producing
from tests.faults.stack import Stack, kill_now
from tests.waiting import until

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1_800)]

VICTIMS = (*("driver", "jvm", "worker") * 4, "everyone")
RATE, ENDLESS = 600, 1_000_000


@pytest.fixture
def rng() -> random.Random:
    seed = time.time_ns() % 1_000_000
    print(f"seed of the random moments: {seed}")  # noqa: T201 (pytest shows it when the test fails)
    return random.Random(seed)


def pause(rng: random.Random, at_most_s: float) -> None:
    threading.Event().wait(rng.uniform(0, at_most_s))  # the random moment itself, not a wait for anything


def strike(stack: Stack, victim: str, files: CheckpointFiles) -> bool:
    """Kill one kind of the stream's processes in the middle of a batch; return whether it was one."""
    until(lambda: victim == "everyone" or bool(stack.stream_processes()[victim]), f"there is a {victim}")
    found = stack.stream_processes()
    pids = list(chain(*found.values())) if victim == "everyone" else found[victim][:1]
    until(files.in_batch, "a batch begins", stack.stream_log, poll_s=0.002)
    kill_now(pids)
    return files.in_batch()


def test_stream_killed_at_random_moments(stack: Stack, rng: random.Random):
    files, in_batch = CheckpointFiles(stack), 0
    restarts = embedded.service(stack.home, "stream").restarts
    with producing(stack, RATE, ENDLESS) as producer:
        for victim in VICTIMS:
            before = embedded.wait_ready(stack.home, "stream").process
            stack.wait_for_commit(more_than=stack.committed())
            pause(rng, 1.0)
            in_batch += strike(stack, victim, files)
            if victim != "worker":  # Spark starts another worker and tries its task again
                embedded.wait_ready(stack.home, "stream", not_as=before)
        producer.stop()
    print(f"{len(VICTIMS)} kills, {in_batch} of them surely within a batch")  # noqa: T201
    assert in_batch >= 10
    check(stack)
    # One each: a start that stumbles over what the kill left behind would cost another.
    assert embedded.service(stack.home, "stream").restarts == restarts + len(VICTIMS) - VICTIMS.count(
        "worker"
    )


def kill_after_commit(stack: Stack, files: CheckpointFiles) -> bool:
    """SIGKILL the whole job once ops has all of a planned batch; return whether its commit log lacks it."""
    stack.wait_for_commit(more_than=stack.committed())
    pids = list(chain(*stack.stream_processes().values()))
    connection = connect(stack.postgres, "admin", "ecom-faults")
    connection.autocommit = True
    planned: dict[int, int] = {}
    batch = -1

    def committed() -> bool:
        nonlocal batch, planned
        if (newest := files.planned()) != batch and files.in_batch():
            batch, planned = newest, files.end_of(newest)
        done = committed_offsets(connection, stack.kafka.orders_topic)
        return bool(planned) and all(done.get(place, 0) >= end for place, end in planned.items())

    until(committed, "a planned batch is committed", stack.stream_log, poll_s=0.001)
    kill_now(pids)
    connection.close()
    return files.finished() < batch


def test_stream_killed_between_the_database_commit_and_the_checkpoint(stack: Stack):
    files = CheckpointFiles(stack)
    with producing(stack, 60, ENDLESS) as producer:
        for attempt in range(1, 9):
            before = embedded.wait_ready(stack.home, "stream").process
            hit = kill_after_commit(stack, files)
            embedded.wait_ready(stack.home, "stream", not_as=before)
            if hit:
                print(f"hit at attempt {attempt}")  # noqa: T201
                break
        producer.stop()
    assert hit
    check(stack)


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("kafka", signal.SIGKILL),
        ("kafka", signal.SIGTERM),
        ("postgres", signal.SIGKILL),
        ("postgres", signal.SIGINT),
    ],
)
def test_server_restarted_under_load(stack: Stack, rng: random.Random, name: str, number: signal.Signals):
    with producing(stack, RATE, ENDLESS) as producer:
        for _ in range(2):
            stack.wait_for_commit(more_than=stack.committed())
            pause(rng, 1.0)
            stack.kill(name, number)
        stack.wait_for_commit(more_than=stack.committed())
        producer.stop()
    check(stack)


def test_producer_killed_many_times(stack: Stack, rng: random.Random):
    for _ in range(5):
        with producing(stack, 0, ENDLESS) as producer:
            producer.wait_for(100)
            pause(rng, 0.5)
            producer.kill()
    finish_one_more(stack)
    check(stack)


def test_whole_stack_killed_twice(stack: Stack, rng: random.Random):
    for _ in range(2):
        with producing(stack, RATE, ENDLESS) as producer:
            before = stack.committed()
            producer.wait_for(100)
            stack.wait_for_commit(more_than=before)
            pause(rng, 1.0)
            stack.kill_everything()
        stack.start()
    finish_one_more(stack)
    check(stack)


def finish_one_more(stack: Stack) -> None:
    with producing(stack, RATE, 500) as producer:
        producer.finish()
