"""One stack for all fault tests of a worker; each test leaves it up and clean."""

import shutil
from collections.abc import Iterator

import pytest

from environments import embedded
from environments.embedded import process
from environments.embedded.ports import any_free
from tests.conftest import make_home

# Before its import, or a failed check would only say "AssertionError".
pytest.register_assert_rewrite("tests.faults.oracle", "tests.faults.programs")

from tests.faults.stack import Stack  # noqa: E402

# Batches small enough that a burst takes several; no orders_cleaned, as by default.
CONFIG = """
[postgres]
port = {postgres}
shared_buffers_mb = 128
[kafka]
port = {kafka}
heap_mb = 384
[stream]
driver_memory_mb = 1024
max_offsets_per_trigger = 20000
"""


# Ends with this folder's tests: kept for the whole session, its stream would go on asking Kafka for orders
# beside all the other tests.
@pytest.fixture(scope="package")
def stack() -> Iterator[Stack]:
    home = embedded.Home(make_home())
    config = home.root.parent / "ecom.toml"
    config.write_text(CONFIG.format(postgres=any_free(), kafka=any_free()), encoding="utf-8")
    try:
        started = Stack(home, config)
        started.seed()
        yield started
    finally:
        embedded.stop(home)
        assert process.members(home) == []
        shutil.rmtree(home.root.parent)
