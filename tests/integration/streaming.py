"""The real streaming job as a process of its own."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from environments.embedded.home import REPOSITORY
from pipeline.settings import KafkaSettings, PostgresSettings

JOB = ("-m", "pipeline.stream")
# The same up to the point where Spark is needed: for what is refused before, a JVM would be 10 s of waiting.
WITHOUT_SPARK = (
    "-c",
    "import pipeline.kafka_client, pipeline.stream.__main__ as job\n"
    "pipeline.kafka_client.BOOTSTRAP_TIMEOUT_MS = 500\n"
    "job.open_session = job.warm_up = lambda *_: None\n"
    "job.run(job.main, job.EXPECTED)",
)

Env = dict[str, str]
Process = subprocess.Popen[str]


def environment(platform_env: Env, postgres: PostgresSettings, kafka: KafkaSettings, folder: Path) -> Env:
    """Return the platform's variables with a database, topics and a checkpoint folder of the test's own."""
    return {
        **os.environ,
        **platform_env,
        "PYSPARK_PYTHON": sys.executable,
        "ECOM_POSTGRES_DATABASE": postgres.database,
        "ECOM_KAFKA_ORDERS_TOPIC": kafka.orders_topic,
        "ECOM_KAFKA_DLQ_TOPIC": kafka.dlq_topic,
        "ECOM_KAFKA_CLEANED_TOPIC": kafka.cleaned_topic,
        "ECOM_STORAGE_CHECKPOINTS": (folder / "checkpoints").as_uri(),
        "ECOM_STREAM_READY_FILE": str(folder / "ready"),
    }


@contextmanager
def started(env: Env, errors: Path, program: tuple[str, ...] = JOB) -> Iterator[Process]:
    """Start the job; its log goes to the file `errors`. Whatever happens, it is gone afterwards."""
    with errors.open("w", encoding="utf-8") as log:
        command = [sys.executable, *program]
        process = subprocess.Popen(command, env=env, cwd=REPOSITORY, stdout=log, stderr=log, text=True)
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def wait_until(condition: Callable[[], bool], process: Process, errors: Path) -> None:
    """Return once `condition` holds; fail if the process ends before."""
    while not condition():
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.05)
        assert process.poll() is None, errors.read_text(encoding="utf-8")[-3_000:]
