"""The supervisor's parts that need no service: back-off, order, identities, state, signals' counting."""

import os
import time
from pathlib import Path

import pytest

from environments.embedded import state
from environments.embedded.child import describe_exit
from environments.embedded.errors import EnvironmentFailed
from environments.embedded.files import locked, try_lock, write_atomically
from environments.embedded.home import Home, cache_folder, default_home
from environments.embedded.logs import Tail, last_lines
from environments.embedded.platform import Plan, load_config
from environments.embedded.process import Identity, mark, members
from environments.embedded.service import Backoff, Service, Step, in_order
from infra.config import ConfigError, PlatformConfig


def step(name: str, *after: str) -> Step:
    return Step(name, lambda say: None, after=after)


def test_backoff_doubles_up_to_its_limit():
    backoff = Backoff()
    assert [backoff.delay(failures) for failures in range(1, 8)] == [1, 2, 4, 8, 16, 30, 30]
    assert backoff.delay(100_000) == 30


def test_backoff_is_forgotten_after_a_time_of_health():
    backoff = Backoff()
    assert backoff.failures(before=5, healthy_for_s=59) == 6
    assert backoff.failures(before=5, healthy_for_s=60) == 1


def test_units_come_after_what_they_need():
    units = [
        step("stream", "topics", "migrations"),
        step("topics", "kafka"),
        step("kafka"),
        step("migrations"),
    ]
    names = [unit.name for unit in in_order(units)]
    assert names.index("kafka") < names.index("topics") < names.index("stream")


@pytest.mark.parametrize(
    ("units", "message"),
    [([step("a", "b"), step("b", "a")], "a cycle among a, b"), ([step("a", "ghost")], "a needs ghost")],
)
def test_impossible_orders_are_refused(units: list[Service | Step], message: str):
    with pytest.raises(ValueError, match=message):
        in_order(units)


def test_a_reused_pid_is_not_mistaken_for_our_process():
    me = Identity.of(os.getpid())
    assert me.alive()
    assert not Identity(pid=me.pid, created=me.created - 3600).alive()


def test_another_homes_processes_are_not_ours(tmp_path: Path):
    home = Home(tmp_path / "ecom")
    assert members(home) == []
    # The name of one home may begin with that of another.
    assert not mark(Home(tmp_path / "ecom2"), "kafka").startswith(f"{home.root}|")


def test_state_outlives_a_round_trip_and_damage_reads_as_none(tmp_path: Path):
    home = Home(tmp_path)
    unit = state.UnitState(name="kafka", kind="service", process=Identity.of(os.getpid())).to("ready")
    me = Identity.of(os.getpid())
    written = state.State(
        phase="up", supervisor=me, started_at=time.time(), units={"kafka": unit}, ports={"kafka": 1}
    )
    state.save(home, written)
    assert state.load(home) == written
    assert written.healthy
    home.state_file.write_text('{"phase": "up"')
    assert state.load(home) is None


def test_a_dead_service_or_supervisor_is_not_healthy():
    me = Identity.of(os.getpid())
    dead = Identity(pid=me.pid, created=me.created - 3600)
    unit = state.UnitState(name="kafka", kind="service", process=me, phase="ready")
    up = state.State(phase="up", supervisor=me, started_at=0, units={"kafka": unit})
    assert up.healthy
    assert not up.model_copy(update={"supervisor": dead}).healthy
    gone = unit.model_copy(update={"process": dead})
    assert not up.model_copy(update={"units": {"kafka": gone}}).healthy


def test_only_one_holder_of_the_lock(tmp_path: Path):
    first = try_lock(tmp_path / "lock")
    assert first is not None
    assert try_lock(tmp_path / "lock") is None
    os.close(first)
    with locked(tmp_path / "lock"):
        assert try_lock(tmp_path / "lock") is None


def test_a_failed_write_leaves_the_old_text_and_no_litter(tmp_path: Path):
    target = tmp_path / "file"
    write_atomically(target, "old")
    with pytest.raises(UnicodeEncodeError):
        write_atomically(target, "\ud800")
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_homes_differ_by_clone_and_can_be_chosen():
    assert default_home({"ECOM_HOME": "/srv/x"}) == Path("/srv/x")
    assert cache_folder({"ECOM_CACHE": "/srv/c"}) == Path("/srv/c")
    assert default_home({}).name.startswith(Path(__file__).parents[2].name)


def test_exit_codes_in_words():
    assert describe_exit(-9) == "was ended by SIGKILL"
    assert describe_exit(3) == "ended with exit code 3"


def test_a_tail_yields_whole_lines_through_a_rotation(tmp_path: Path):
    log = tmp_path / "kafka.log"
    log.write_text("old\n")
    tail = Tail(log)
    with log.open("a") as file:
        file.write("one\ntw")
    assert list(tail.new_lines()) == ["one"]
    with log.open("a") as file:
        file.write("o\n")
    assert list(tail.new_lines()) == ["two"]
    log.rename(tmp_path / "kafka.log.1")
    log.write_text("fresh\n")
    assert list(tail.new_lines()) == ["fresh"]
    assert last_lines(log, 5) == "fresh"
    assert last_lines(tmp_path / "none.log", 5) == "(no log)"


def test_configuration_comes_from_the_given_file_or_the_defaults(tmp_path: Path):
    assert load_config() == PlatformConfig()
    given = tmp_path / "ecom.toml"
    given.write_text("[kafka]\npartitions = 8\n")
    assert load_config(given).kafka.partitions == 8
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(tmp_path / "none.toml")


def test_every_listener_wishes_a_port_of_its_own(tmp_path: Path):
    for broker in (9092, 65535):
        config = PlatformConfig.from_mapping({"kafka": {"port": broker}}, "test")
        wished = Plan(Home(tmp_path), config).wished_ports()
        assert len(set(wished.values())) == len(wished) == 5


def test_a_home_with_other_files_is_refused(tmp_path: Path):
    (tmp_path / "thesis.txt").touch()
    with pytest.raises(EnvironmentFailed, match="not empty"):
        Home(tmp_path).create()
