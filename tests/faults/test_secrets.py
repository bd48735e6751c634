"""No secret shows in a process, a log or a file of state while orders flow and some of them are refused."""

from environments.embedded import process
from tests.faults.oracle import check
from tests.faults.programs import producing
from tests.faults.stack import Stack
from tests.process_texts import process_texts


def test_no_secret_is_to_be_read_while_orders_flow(stack: Stack):
    before = stack.committed()
    with producing(stack, 500, 1_000) as producer:
        stack.wait_for_commit(before)
        told = process_texts(process.members(stack.home))
        producer.finish()
    check(stack)
    told += [path.read_text(errors="replace") for path in stack.home.logs.iterdir()]
    told += [path.read_text(errors="replace") for path in (stack.home.state_file, stack.home.env_file)]
    # Supervisor, PostgreSQL and its own, Kafka, the stream with its JVM and its workers.
    assert len(told) > 10
    secrets = {path.name: path.read_text().strip() for path in stack.home.secrets.iterdir()}
    assert {"admin", "ingest", "etl", "bi_readonly"} <= secrets.keys()
    assert {name for name, value in secrets.items() if any(value in text for text in told)} == set()
