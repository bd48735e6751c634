"""The daily batch while the stream writes at full rate."""

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
from tests.faults.batches import reading
from tests.faults.oracle import check
from tests.faults.programs import producing
from tests.faults.stack import Stack

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1_800)]
RUNS, ENDLESS = 20, 10_000_000


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
