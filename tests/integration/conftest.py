"""One Spark session, and clean migrated databases on the session's PostgreSQL."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor
from pyspark.sql import SparkSession

from dashboards.metabase.provision import Provisioner
from environments.embedded import class_archive
from environments.embedded.jars import connector_jars
from infra.platform import Platform
from pipeline.database import connect
from pipeline.migrate import migrate
from pipeline.settings import (
    KafkaSettings,
    MetabaseSettings,
    PostgresSettings,
    Role,
    SparkSettings,
    from_variables,
)
from pipeline.spark_session import open_session
from pipeline.stream.job import SPARK_CONF
from tests.integration.metabase_access import logged_in, provisioner_for, settings_for
from tests.integration.topics import Topics
from tests.metabase_server import MetabaseServer

TEMPLATE = "tests_template"
Connect = Callable[..., Connection]


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    """The stream's own session, with the connectors."""
    jars = ",".join(str(jar) for jar in connector_jars())
    settings = SparkSettings(
        master="local[2]",
        launcher="local",
        jars=jars,
        driver_memory="1g",
        jvm_options=class_archive.jvm_options(),
    )
    session = open_session(settings, "tests", SPARK_CONF | {"spark.sql.shuffle.partitions": "2"})
    yield session
    session.stop()


@pytest.fixture(scope="session")
def server(platform: Platform) -> PostgresSettings:
    """Settings of the session's server, as they are parsed from the platform's variables."""
    return from_variables(PostgresSettings, platform.as_env())


@pytest.fixture(scope="session")
def kafka(platform: Platform) -> KafkaSettings:
    return from_variables(KafkaSettings, platform.as_env())


@pytest.fixture(scope="session")
def topics(kafka: KafkaSettings) -> Iterator[Topics]:
    """Makes topics of a test's own; all of them go with the session."""
    with Topics(kafka) as made:
        yield made


@pytest.fixture(scope="session")
def empty_topic(topics: Topics) -> str:
    """A topic that stays empty."""
    return topics.make()


@pytest.fixture(scope="session")
def template(server: PostgresSettings) -> str:
    """The name of a migrated database that is copied within tens of milliseconds."""
    _administer(server, f"CREATE DATABASE {TEMPLATE}")
    migrate(server.model_copy(update={"database": TEMPLATE}))
    return TEMPLATE


@pytest.fixture
def database(server: PostgresSettings, template: str) -> Iterator[PostgresSettings]:
    """Settings of a database of the test's own: migrated and empty."""
    yield from _fresh(server, template, "tests_own")


@pytest.fixture(scope="module")
def shared_database(server: PostgresSettings, template: str) -> Iterator[PostgresSettings]:
    """The same for all the tests of one module."""
    yield from _fresh(server, template, "tests_shared")


def _fresh(server: PostgresSettings, template: str, name: str) -> Iterator[PostgresSettings]:
    _administer(server, f"CREATE DATABASE {name} TEMPLATE {template}")
    yield server.model_copy(update={"database": name})
    _administer(server, f"DROP DATABASE {name} WITH (FORCE)")


def _administer(server: PostgresSettings, statement: str) -> None:
    with closing(connect(server, "admin", "tests")) as connection:
        connection.autocommit = True
        connection.cursor().execute(statement)


@pytest.fixture
def log_in(database: PostgresSettings) -> Iterator[Connect]:
    """Opens connections to the test's own database, and closes them at its end."""
    opened: list[Connection] = []

    def open_one(role: Role = "admin") -> Connection:
        opened.append(connect(database, role, "tests"))
        return opened[-1]

    yield open_one
    for connection in opened:
        connection.close()


@pytest.fixture
def etl(log_in: Connect) -> Cursor:
    """A cursor of the batch's role; each statement is committed."""
    connection = log_in("etl")
    connection.autocommit = True
    return connection.cursor()


@pytest.fixture
def sql(log_in: Connect) -> Callable[..., list[tuple]]:
    """Runs one statement as the admin, commits it, and returns its rows."""
    connection = log_in()

    def run(statement: str, *values: object) -> list[tuple]:
        with connection, connection.cursor() as cursor:
            cursor.execute(statement, values or None)
            return cursor.fetchall() if cursor.description else []

    return run


@pytest.fixture
def metabase() -> Iterator[MetabaseServer]:
    """A stand-in for Metabase that nobody has set up."""
    with MetabaseServer() as server:
        yield server


@pytest.fixture
def metabase_settings(metabase: MetabaseServer, tmp_path: Path) -> MetabaseSettings:
    return settings_for(metabase.url, tmp_path)


@pytest.fixture
def provisioner(metabase_settings: MetabaseSettings, database: PostgresSettings) -> Provisioner:
    """Brings the dashboards to the stand-in, on the test's own database."""
    return provisioner_for(metabase_settings, database)


@pytest.fixture
def hands(metabase_settings: MetabaseSettings, provisioner: Provisioner) -> Iterator[httpx.Client]:
    """An administrator's session on a Metabase to which everything has been applied."""
    provisioner.apply()
    with logged_in(metabase_settings) as client:
        yield client
