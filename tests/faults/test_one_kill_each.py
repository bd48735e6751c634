"""One kill of each kind while events flow, short enough for `make test`; test_many_kills.py has the rest."""

from environments import embedded
from tests.faults.oracle import check
from tests.faults.programs import Producer, producing
from tests.faults.stack import Stack

RATE, COUNT, EARLY = 400, 2_000, 300


def flowing(stack: Stack, producer: Producer) -> None:
    """Wait until events are acknowledged and the stream commits them."""
    before = stack.committed()
    producer.wait_for(EARLY)
    stack.wait_for_commit(more_than=before)


def test_driver_killed(stack: Stack):
    with producing(stack, RATE, COUNT) as producer:
        flowing(stack, producer)
        stack.kill("stream")
        producer.finish()
    check(stack)


def test_broker_killed(stack: Stack):
    with producing(stack, RATE, COUNT) as producer:
        flowing(stack, producer)
        stack.kill("kafka")
        producer.finish()
    check(stack)


def test_postgres_killed(stack: Stack):
    with producing(stack, RATE, COUNT) as producer:
        flowing(stack, producer)
        stack.kill("postgres")
        producer.finish()
    check(stack)


def test_producer_killed(stack: Stack):
    with producing(stack, RATE, COUNT) as producer:
        flowing(stack, producer)
        producer.kill()
    with producing(stack, RATE, COUNT // 4) as successor:
        successor.finish()
    check(stack)


def test_whole_stack_killed(stack: Stack):
    with producing(stack, RATE, COUNT) as producer:
        flowing(stack, producer)
        stack.kill_everything()
        producer.kill()  # its broker's port may be another one from now on
        stack.start()
    state = embedded.load(stack.home)
    assert state is not None
    assert state.healthy
    with producing(stack, RATE, COUNT // 4) as successor:
        successor.finish()
    check(stack)
