"""What `make aws-artifacts` packs and `pulumi up` uploads is enough for both jobs: on Spark 4.0.0, from S3.

PostgreSQL and Kafka are this machine's own; passwords come from moto's Secrets Manager, programs, packages
and jars from moto's S3, and checkpoints go there.
"""

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from infra.platform import Env, Platform
from pipeline.database import connect
from pipeline.settings import (
    EmrServerlessSettings,
    EmrStreamSettings,
    KafkaSettings,
    PostgresSettings,
    Role,
    from_variables,
)
from pipeline.verify import verify
from tests.aws_provider.project import REGION, Project
from tests.aws_stack.conftest import MakeProject
from tests.aws_stack.leftovers import Account
from tests.aws_stack.serverless import Driver, Serverless, file_system_jars, job_of, oldest_spark
from tests.certificates import write_certificate
from tests.integration.batches import FULL, Batch
from tests.integration.members import add_customer, add_product
from tests.integration.samples import as_bytes, now
from tests.integration.topics import Topics
from tests.waiting import until

pytestmark = [pytest.mark.aws_stack, pytest.mark.timeout(900)]
Sql = Callable[..., list[tuple]]
ORDERS = 40
# spark-submit is a JVM, and Python its child.
ENDED_BY_SIGNAL = 128 + signal.SIGTERM
COUNT = "SELECT count(*) FROM raw.orders"
ROLES: tuple[Role, ...] = ("admin", "ingest", "etl", "bi_readonly")
# Where this machine's servers differ from AWS's.
HERE = (
    *(f"ECOM_POSTGRES_{name}" for name in ("HOST", "PORT", "DATABASE", "ADMIN_USER", "SSLMODE")),
    *(f"ECOM_KAFKA_{name}" for name in ("BOOTSTRAP_SERVERS", "SECURITY_PROTOCOL", "SASL_MECHANISM")),
)


@pytest.fixture(scope="module")
def stack(make_project: MakeProject) -> Project:
    """A stack on moto with real artifacts, packed by this machine's own Python."""
    project = make_project(awsProtect="false", awsEmptyBuckets="true")
    folder = project.folder / "packed"
    authority = write_certificate(project.folder / "authority.pem", "Amazon RDS of the tests Root CA")
    options = ["--python", sys._base_executable, "--certificates", str(authority)]  # type: ignore[attr-defined]
    make = [sys.executable, "-m", "scripts.aws_artifacts", "--folder", str(folder), *options]
    subprocess.run(make, check=True)
    project.config["awsArtifacts"] = str(folder)
    project.up()
    return project


@pytest.fixture(scope="module")
def postgres(platform: Platform) -> PostgresSettings:
    return from_variables(PostgresSettings, platform.as_env())


@pytest.fixture(scope="module")
def kafka(platform: Platform) -> KafkaSettings:
    return from_variables(KafkaSettings, platform.as_env())


@pytest.fixture(scope="module")
def env(stack: Project, platform: Platform, postgres: PostgresSettings, endpoint: str) -> Env:
    """The stack's variables with this machine's servers, whose passwords are put into its secrets."""
    found: Env = stack.outputs()["env"]
    own = platform.as_env()
    secrets = Account(endpoint, REGION).client("secretsmanager")
    for role in ROLES:
        arn = found[f"ECOM_POSTGRES_{role.upper()}_PASSWORD_REF"]
        secrets.put_secret_value(SecretId=arn, SecretString=postgres.password(role))
    return found | {name: own[name] for name in HERE}


@pytest.fixture(scope="module")
def serverless(endpoint: str, tmp_path_factory: pytest.TempPathFactory) -> Serverless:
    return Serverless(tmp_path_factory.mktemp("job"), endpoint, oldest_spark(), file_system_jars())


@pytest.fixture
def sql(postgres: PostgresSettings) -> Iterator[Sql]:
    with closing(connect(postgres, "admin", "tests")) as connection:
        connection.autocommit = True
        cursor = connection.cursor()

        def run(statement: str, *values: object) -> list[tuple]:
            cursor.execute(statement, values)
            return cursor.fetchall() if cursor.description else []

        yield run


def stored(sql: Sql, orders: int, driver: Driver) -> Callable[[], bool]:
    """Ask whether so many orders are there, or never will be."""
    return lambda: driver.poll() is not None or sql(COUNT) == [(orders,)]


def tail(log: Path) -> str:
    return log.read_text(encoding="utf-8")[-6_000:]


def test_the_stream_goes_on_from_its_checkpoint_in_the_bucket(
    serverless: Serverless, env: Env, kafka: KafkaSettings, endpoint: str, sql: Sql, tmp_path: Path
):
    add_customer(sql, "2026-01-01Z")
    add_product(sql, "2026-01-01Z")
    settings, stream = from_variables(EmrServerlessSettings, env), from_variables(EmrStreamSettings, env)
    job = job_of(env, settings, stream.entry_point, [], stream.submit_parameters)
    log = tmp_path / "log"
    for start in (1, 2):
        messages = [(b"key", as_bytes(now(number))) for number in range(ORDERS * start, ORDERS * (start + 1))]
        with Topics(kafka) as topics:
            topics.send(kafka.orders_topic, messages)
        with serverless.running(job, log) as driver:
            until(
                stored(sql, ORDERS * start, driver), f"start {start} has stored its orders", lambda: tail(log)
            )
            driver.terminate()
            assert driver.wait(60) == ENDED_BY_SIGNAL, tail(log)
            assert log.read_text(encoding="utf-8").count("this micro-batch is the last") == start
        assert sql(COUNT) == [(ORDERS * start,)]
    bucket, _, folder = env["ECOM_STORAGE_CHECKPOINTS"].removeprefix("s3://").partition("/")
    kept = Account(endpoint, REGION).client("s3").list_objects_v2(Bucket=bucket, Prefix=f"{folder}/")
    assert any("/commits/" in item["Key"] for item in kept["Contents"])
    assert "Running Spark version 4.0.0" in log.read_text(encoding="utf-8")


def test_the_batch_publishes_what_the_stream_wrote(
    serverless: Serverless,
    env: Env,
    kafka: KafkaSettings,
    postgres: PostgresSettings,
    sql: Sql,
    tmp_path: Path,
):
    batch = Batch(postgres, None, "packed")  # type: ignore[arg-type] # Spark is elsewhere
    batch.steps.begin(FULL)
    settings, log = from_variables(EmrServerlessSettings, env), tmp_path / "log"
    for step in ("dimensions", "facts"):
        job = job_of(env, settings, settings.entry_point, ["--verbose", step, "--run-id", "packed"])
        with serverless.running(job, log) as driver:
            assert driver.wait(300) == 0, tail(log)
    batch.publish()
    known = "SELECT count(*) FROM curated.fact_orders WHERE customer_key <> 0 AND product_key <> 0"
    assert sql(known) == [(2 * ORDERS,)]
    assert verify(postgres, kafka, timeout_s=60).clean
