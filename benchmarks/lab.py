"""Where the benchmarks run: a PostgreSQL and Kafka of their own, a fresh database for each contender."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from kafka import KafkaAdminClient
from kafka.admin import NewTopic
from psycopg2 import sql
from psycopg2.errors import InternalError_
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor
from tenacity import retry, retry_if_exception_type, stop_after_attempt, wait_fixed

from environments import embedded
from environments.embedded.ports import any_free
from infra.platform import Platform
from pipeline.database import connect
from pipeline.rebuild.publish import publish_from_raw
from pipeline.settings import PostgresSettings, from_variables
from producer.seed import SeedPlan, seed

CUSTOMERS, PRODUCTS = 10_000, 500
PARTITIONS = 4
_SEEDED = "bench_seeded"
_CONFIG = """
[postgres]
port = {postgres}
[kafka]
port = {kafka}
partitions = {partitions}
[airflow]
port = {airflow}
"""


@dataclass
class Lab:
    """A running platform; `variables` are those of the contender at hand."""

    platform: Platform
    folder: Path
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def postgres(self) -> PostgresSettings:
        """Settings of the contender's own database."""
        return from_variables(PostgresSettings, self.variables)

    def connect(self, role: str = "admin") -> Connection:
        """Open a connection to the contender's database."""
        return connect(self.postgres, role, "ecom-bench")  # type: ignore[arg-type]

    def seeded(self) -> "Lab":
        """Return a lab on the database that the contenders' are copied from."""
        changes = {"ECOM_POSTGRES_DATABASE": _SEEDED}
        return Lab(self.platform, self.folder, self.platform.as_env() | changes)

    def contender(self, name: str, topic: str) -> "Lab":
        """Return a lab with a fresh copy of the seeded database; dirty pages are written out first."""
        database = f"bench_{name}"
        with closing(
            connect(Lab(self.platform, self.folder, self.platform.as_env()).postgres, "admin")
        ) as admin:
            admin.autocommit = True
            with admin.cursor() as cursor:
                drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database))
                cursor.execute(drop)
                _copy(cursor, _SEEDED, database)
                grant = sql.SQL("GRANT CONNECT, TEMPORARY ON DATABASE {} TO ingest, etl, bi_readonly")
                cursor.execute(grant.format(sql.Identifier(database)))
                cursor.execute("CHECKPOINT")
        changes = {
            "ECOM_POSTGRES_DATABASE": database,
            "ECOM_KAFKA_ORDERS_TOPIC": topic,
            "ECOM_STORAGE_CHECKPOINTS": (self.folder / f"checkpoints-{name}").as_uri(),
        }
        return Lab(self.platform, self.folder, self.platform.as_env() | changes)

    def create_topic(self, name: str) -> None:
        """Create a topic with PARTITIONS partitions."""
        servers = self.platform.kafka.bootstrap_servers
        with closing(KafkaAdminClient(bootstrap_servers=servers)) as admin:
            admin.create_topics([NewTopic(name, num_partitions=PARTITIONS, replication_factor=1)])

    @contextmanager
    def program(self, *words: str, log: str) -> Iterator["subprocess.Popen[bytes]"]:
        """Run `python -m …` with the contender's variables for the duration of the block."""
        with (self.folder / f"{log}.log").open("ab") as file:
            process = subprocess.Popen(
                [sys.executable, "-W", "ignore", "-m", *words],
                env=os.environ | self.variables,
                stdout=file,
                stderr=subprocess.STDOUT,
            )
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


@contextmanager
def open_lab(
    services: Sequence[str] = ("postgres", "kafka"), orders: int = 1_000, days: int = 30
) -> Iterator[Lab]:
    """Start PostgreSQL and Kafka with the product's own settings, and a seeded database to copy."""
    folder = Path(tempfile.mkdtemp(prefix="ecom-bench-"))
    folder.chmod(0o711)
    config = folder / "ecom.toml"
    ports = {"postgres": any_free(), "kafka": any_free(), "airflow": any_free()}
    text = _CONFIG.format(**ports, partitions=PARTITIONS)
    config.write_text(text, encoding="utf-8")
    try:
        with embedded.running(folder / "home", config, services=services) as platform:
            lab = Lab(platform, folder, platform.as_env())
            plan = SeedPlan(customers=CUSTOMERS, products=PRODUCTS, orders=orders, days=days)
            seed(lab.postgres, plan)
            publish_from_raw(lab.postgres)
            _keep_as_template(lab)
            yield lab
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _keep_as_template(lab: Lab) -> None:
    maintenance = lab.postgres.model_copy(update={"database": "postgres"})
    with closing(connect(maintenance, "admin")) as admin:
        admin.autocommit = True
        with admin.cursor() as cursor:
            _copy(cursor, lab.postgres.database, _SEEDED)


# Seen once of PostgreSQL 18: "buffer is pinned in InvalidateBuffer", at the second copy of the day.
@retry(
    retry=retry_if_exception_type(InternalError_),
    stop=stop_after_attempt(5),
    wait=wait_fixed(2),
    reraise=True,
)
def _copy(cursor: Cursor, database: str, target: str) -> None:
    copy = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
    cursor.execute(copy.format(sql.Identifier(target), sql.Identifier(database)))
