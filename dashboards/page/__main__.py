"""Serve the dashboards until a signal ends it: `python -m dashboards.page`.

The port is that of ECOM_DASHBOARDS_URL. The address is 127.0.0.1, whatever the URL says, unless `--bind`
names another one: that of a container, of which nothing but a port on 127.0.0.1 is published.
"""

import argparse
import logging
import signal
from typing import Any

import waitress

from dashboards.page.app import make_server
from dashboards.page.warehouse import CONNECTIONS, Warehouse
from dashboards.spec_files import SpecError, load
from pipeline import settings
from pipeline.console import run

HOST = "127.0.0.1"


def main() -> None:
    """Read the spec and the settings, and serve."""
    parser = argparse.ArgumentParser(prog="python -m dashboards.page")
    parser.add_argument("--bind", default=HOST, help=f"address to listen on; {HOST} by default")
    bind = parser.parse_args().bind
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    # A browser asks for all charts at once, and each waits its turn.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    place = settings.load(settings.DashboardsSettings)
    warehouse = Warehouse(settings.load(settings.PostgresSettings))
    signal.signal(signal.SIGTERM, _end)
    waitress.serve(
        make_server(load(), warehouse), host=bind, port=place.port, threads=CONNECTIONS, ident="", _quiet=True
    )


def _end(*_: Any) -> None:
    raise SystemExit(0)


if __name__ == "__main__":
    run(main, (SpecError, OSError))
