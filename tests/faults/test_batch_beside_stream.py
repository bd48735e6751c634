"""The daily batch while the stream writes at full rate: many runs, and kills, one inside the publication."""

import random
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from pyspark.sql import SparkSession

from pipeline.jobs import compare
from pipeline.jobs.run import Selection
from pipeline.jobs.session import SPARK_CONF
from pipeline.jobs.steps import Steps
from pipeline.settings import SparkSettings, from_variables
from pipeline.spark_session import open_session
from producer.evolve import EvolvePlan, evolve
from tests.faults.batches import BatchProcess, reading
from tests.faults.oracle import check
from tests.faults.programs import producing
from tests.faults.stack import Stack
from tests.waiting import until

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1_800)]
RUNS, KILLS, ENDLESS = 20, 6, 10_000_000


@pytest.fixture(scope="module")
def spark(stack: Stack) -> Iterator[SparkSession]:
    session = open_session(from_variables(SparkSettings, stack.variables), "faults", SPARK_CONF)
    yield session
    session.stop()


def change_members(stack: Stack, at: datetime) -> None:
    evolve(stack.postgres, EvolvePlan(at.replace(microsecond=0), customers=0.1, products=0.1))


def assert_batch_agrees(stack: Stack, spark: SparkSession) -> None:
    with stack.connect() as connection:
        connection.set_session(isolation_level="REPEATABLE READ")
        found = compare.compare(spark, stack.postgres, connection.cursor())
    assert found.count == 0, found.samples


def test_twenty_runs_beside_the_stream_at_full_rate(stack: Stack, spark: SparkSession):
    with producing(stack, 0, ENDLESS) as producer, reading(stack) as reader:
        producer.wait_for(1_000)
        for number in range(RUNS):
            before = stack.committed()
            change_members(stack, datetime.now(UTC))
            steps = Steps(stack.postgres, f"beside-{number}", lambda: spark, wait_s=0)
            steps.begin(Selection())
            steps.dimensions()
            steps.facts()
            steps.gate()
            steps.publish()
            steps.check()
            stack.wait_for_commit(more_than=before)
        producer.stop()
    check(stack)
    assert_batch_agrees(stack, spark)
    assert (reader.faults, reader.orphans) == ([], 0)
    assert reader.looks > RUNS


def test_killed_at_random_moments(stack: Stack, spark: SparkSession):
    seed = time.time_ns() % 1_000_000
    print(f"seed of the random moments: {seed}")  # noqa: T201 (pytest shows it when the test fails)
    rng = random.Random(seed)
    with producing(stack, 600, ENDLESS) as producer, reading(stack) as reader:
        started = time.monotonic()
        BatchProcess(stack).finish()
        whole_s = time.monotonic() - started
        for _ in range(KILLS):
            change_members(stack, datetime.now(UTC))
            run = BatchProcess(stack)
            threading.Event().wait(rng.uniform(0.2, 1.0) * whole_s)  # the random moment itself
            run.kill()
        BatchProcess(stack).finish()
        producer.stop()
    check(stack)
    assert_batch_agrees(stack, spark)
    assert (reader.faults, reader.orphans) == ([], 0)


def test_killed_inside_the_publication(stack: Stack, spark: SparkSession):
    waiting = (
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'ecom-batch'"
        " AND (wait_event_type, wait_event) = ('Lock', 'relation')"
        " AND query LIKE 'INSERT INTO ops.publications%%'"
    )
    published = "SELECT count(*) FROM ops.publications"
    versions = "SELECT count(*) FROM curated.dim_customers"
    with producing(stack, 200, ENDLESS) as producer, reading(stack) as reader:
        change_members(stack, datetime.now(UTC))
        before = [stack.rows(query) for query in (published, versions)]
        with stack.connect() as blocker:
            # All is merged by then, nothing is committed, and the run has the writers' lock in its hands.
            blocker.cursor().execute("LOCK TABLE ops.publications IN SHARE MODE")
            run = BatchProcess(stack)
            until(lambda: stack.rows(waiting) != [(0,)], "the publication waits", run.log)
            run.kill()
        until(lambda: stack.rows(waiting) == [(0,)], "its transaction is gone")
        assert [stack.rows(query) for query in (published, versions)] == before
        stack.wait_for_commit(more_than=stack.committed())
        BatchProcess(stack).finish()
        producer.stop()
    assert stack.rows(published) != before[0]
    assert stack.rows(versions) != before[1]
    check(stack)
    assert_batch_agrees(stack, spark)
    assert (reader.faults, reader.orphans) == ([], 0)
