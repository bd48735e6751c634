"""A server that goes away, or a seat that is lost, while Spark works: one line, and the right exit code."""

import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from environments.embedded.home import REPOSITORY
from pipeline.database import DatabaseUnavailable, connect
from pipeline.jobs import command
from pipeline.jobs.seat import Seat
from pipeline.jobs.staging_sink import _Loader
from pipeline.secret_values import SecretError
from pipeline.settings import KafkaSettings, PostgresSettings, StorageSettings, StreamSettings
from pipeline.spark_failures import spark_in_words
from pipeline.stream.job import PartitionWriter, StreamJob
from pipeline.stream.watch import watch
from tests.integration.batches import INCREMENT, Batch
from tests.integration.commits import batch, valid
from tests.integration.members import add_customer
from tests.integration.samples import as_bytes, event
from tests.integration.topics import Topics
from tests.waiting import until

Sql = Callable[..., list[tuple]]
END_THOSE = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"


@pytest.fixture
def env(
    platform_env: dict[str, str], database: PostgresSettings, monkeypatch: pytest.MonkeyPatch
) -> dict[str, str]:
    """The variables of a batch on the test's own database; one failure of a task is Spark's last."""
    changes = {"ECOM_POSTGRES_DATABASE": database.database, "ECOM_SPARK_MASTER": "local[1]"}
    for name, value in changes.items():
        monkeypatch.setenv(name, value)
    return platform_env | changes


@pytest.fixture
def begun(database: PostgresSettings, sql: Sql) -> None:
    """A run with a customer to stage."""
    add_customer(sql, "2026-01-01Z")
    Batch(database, None, "one").steps.begin(INCREMENT)  # type: ignore[arg-type] # no Spark yet


def test_a_seat_lost_inside_spark_ends_with_its_own_line_and_code(
    env: dict[str, str],
    begun: None,
    spark: SparkSession,
    sql: Sql,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
):
    def taken_over_meanwhile() -> SparkSession:
        sql("UPDATE ops.batch_seat SET attempt = attempt + 1")
        return spark

    monkeypatch.setattr(command, "_open_session", taken_over_meanwhile)
    with pytest.raises(SystemExit) as ended:
        command.app(["dimensions", "--run-id", "one"])
    out, err = capsys.readouterr()
    assert (ended.value.code, out) == (5, "")
    assert err == "error: a later attempt of run one has taken over from this one\n"


@contextmanager
def step(env: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run `dimensions` in a process of its own; whatever happens, it is gone afterwards."""
    words = [sys.executable, "-m", "pipeline.jobs", "dimensions", "--run-id", "one"]
    with log.open("wb") as file:
        process = subprocess.Popen(words, env=env, cwd=REPOSITORY, stdout=file, stderr=file)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def test_a_server_that_goes_away_while_spark_reads_is_one_line_in_the_terminal(
    env: dict[str, str], begun: None, database: PostgresSettings, sql: Sql, tmp_path: Path
):
    log = tmp_path / "log"
    with closing(connect(database, "admin", "tests")) as holder, step(env, log) as process:
        holder.cursor().execute("LOCK TABLE raw.customers IN ACCESS EXCLUSIVE MODE")
        ended = f"{END_THOSE} AND wait_event_type = 'Lock'"
        until(lambda: sql(ended) != [] or process.poll() is not None, "Spark reads", log.read_text)
        assert process.wait(60) == 1
    said = log.read_text(encoding="utf-8").splitlines()
    # Java itself says the other line, and has no option against it.
    assert len([line for line in said if "incubator modules" not in line]) == 1, said
    assert said[-1].startswith(
        f"error: PostgreSQL at {database.host}:{database.port}/{database.database} as etl is not available: "
    )


def test_a_server_that_goes_away_during_a_copy_is_told(database: PostgresSettings, begun: None, sql: Sql):
    def lines() -> Iterator[pa.RecordBatch]:
        row = "1\t42\tAda\tDE\tnew\t1970-01-01Z\t9999-12-31Z\n"
        yield pa.RecordBatch.from_pydict({"line": [row]})
        sql(f"{END_THOSE} AND application_name = 'ecom-batch'")
        for _ in range(10_000):  # more than a socket's buffer
            yield pa.RecordBatch.from_pydict({"line": [row]})

    columns = ("customer_key", "customer_id", "name", "country", "segment", "valid_from", "valid_to")
    loader = _Loader(database, Seat("one", 1), "dim_customers", columns)
    with pytest.raises(DatabaseUnavailable, match="PostgreSQL") as told:
        list(loader(lines()))
    assert "\n" not in str(told.value)
    assert sql("SELECT count(*) FROM staging.dim_customers") == [(0,)]


def test_a_server_that_goes_away_during_a_commit_is_told(
    database: PostgresSettings, kafka: KafkaSettings, sql: Sql
):
    def rows() -> Iterator[pa.RecordBatch]:
        yield batch([valid(event(1))])
        sql(f"{END_THOSE} AND application_name = 'ecom-stream'")
        for number in range(1, 3_000):
            yield batch([valid(event(number))], first_offset=number)

    with pytest.raises(DatabaseUnavailable, match="PostgreSQL") as told:
        list(PartitionWriter(database, kafka, {})(rows()))
    assert "\n" not in str(told.value)
    assert sql("SELECT count(*) FROM raw.orders") == [(0,)]


def test_a_workers_failure_in_the_stream_reaches_the_driver_as_itself(
    database: PostgresSettings, kafka: KafkaSettings, spark: SparkSession, topics: Topics, tmp_path: Path
):
    own = kafka.model_copy(update={"orders_topic": topics.make(), "cleaned_topic": ""})
    topics.send(own.orders_topic, [(None, as_bytes(event(1)))])
    postgres = database.model_copy(update={"ingest_password_ref": f"file:{tmp_path}/absent"})
    pace = StreamSettings(max_offsets_per_trigger=100, trigger_interval_ms=0, give_up_after_s=1)
    job = StreamJob(postgres, own, pace, StorageSettings(checkpoints=tmp_path.as_uri()))
    query = job.start(spark, "earliest", {})
    with pytest.raises(SecretError, match=f"file:{tmp_path}/absent") as told, spark_in_words():
        watch(query, threading.Event(), lambda: None)
    assert "\n" not in str(told.value)


def test_ctrl_c_is_the_callers_also_once_spark_was_there(spark: SparkSession):
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
