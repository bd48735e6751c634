"""Orphans are found by the session that they were left in, and nobody else is taken for one."""

import subprocess
from collections.abc import Iterator

import psutil
import pytest

from environments.embedded import process
from environments.embedded.process import Identity


@pytest.fixture
def orphan() -> Iterator[tuple[Identity, psutil.Process]]:
    """A process whose session's leader is gone, and who that was."""
    command = ["sh", "-c", "sleep 60 & echo $! ; read -r _"]
    leader = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert leader.stdout is not None
    left = psutil.Process(int(leader.stdout.readline()))
    identity = Identity(pid=leader.pid, created=psutil.Process(leader.pid).create_time())
    leader.kill()
    leader.wait()
    yield identity, left
    left.kill()


def test_an_orphan_is_found_by_its_session(orphan: tuple[Identity, psutil.Process]):
    identity, left = orphan
    assert process.sessions([identity]) == [left]


def test_a_number_from_before_this_boot_means_nobody(orphan: tuple[Identity, psutil.Process]):
    identity, _ = orphan
    before = Identity(pid=identity.pid, created=psutil.Process(1).create_time() - 60)
    assert process.sessions([before]) == []
