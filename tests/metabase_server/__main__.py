"""The stand-in as a program; it goes by the MB_* variables of the official image."""

import argparse
import os
import signal
import sys
import threading
import time

import psycopg2

from tests.metabase_server.calling import Options
from tests.metabase_server.serving import MetabaseServer
from tests.metabase_server.store import MemoryStore, PostgresStore, Store

_GIVE_UP_AFTER_S = 120
_KEY_LENGTH = 16


def main() -> None:
    arguments = _arguments()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    key = os.environ.get("MB_ENCRYPTION_SECRET_KEY", "")
    if key and len(key) < _KEY_LENGTH:
        sys.exit(f"MB_ENCRYPTION_SECRET_KEY must have at least {_KEY_LENGTH} characters")
    options = Options(version=arguments.version_tag, starting_polls=arguments.starting_polls)
    server = MetabaseServer(options, arguments.host, arguments.port).start()
    print(f"listening on {server.url}", flush=True)  # noqa: T201
    try:
        _open_store(server, stop)
        stop.wait()
    finally:
        server.stop()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.metabase_server", description=__doc__)
    parser.add_argument("--host", default=os.environ.get("MB_JETTY_HOST", "127.0.0.1"))
    parser.add_argument("--port", type=int, default=int(os.environ.get("MB_JETTY_PORT", "3000")))
    parser.add_argument("--version-tag", default=Options.version)
    parser.add_argument("--starting-polls", type=int, default=0, help="health questions answered 503 first")
    return parser.parse_args()


def _store() -> Store:
    if os.environ.get("MB_DB_TYPE", "h2") != "postgres":
        return MemoryStore()
    names = {"host": "HOST", "port": "PORT", "dbname": "DBNAME", "user": "USER", "password": "PASS"}
    return PostgresStore(**{name: os.environ[f"MB_DB_{suffix}"] for name, suffix in names.items()})


def _open_store(server: MetabaseServer, stop: threading.Event) -> None:
    """Answer 503 until the own database is there."""
    deadline = time.monotonic() + _GIVE_UP_AFTER_S
    store = _store()
    while not stop.is_set():
        try:
            server.api.ready(store)
            return
        except psycopg2.OperationalError as error:
            if time.monotonic() > deadline:
                sys.exit(f"its own database: {' '.join(str(error).split())}")
            stop.wait(0.5)


main()
