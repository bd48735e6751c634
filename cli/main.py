"""The `ecom` command: one Typer application; each command lives in a module of its own."""

import sys

import typer

from cli import lifecycle
from cli.produce import produce
from cli.seed import seed
from environments.embedded import EnvironmentFailed
from infra.config import ConfigError
from pipeline.console import EXPECTED
from producer.seed import SeedRefused

app = typer.Typer(
    name="ecom",
    help="Run, feed, inspect and verify the order pipeline.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
lifecycle.register(app)
app.command()(seed)
app.command()(produce)

_EXPECTED: tuple[type[Exception], ...] = (ConfigError, EnvironmentFailed, SeedRefused, *EXPECTED)


def run() -> None:
    """Start the command line; the entry point of the `ecom` script.

    An error that a user can mend is told on stderr with exit code 1, never as a traceback.
    """
    try:
        app()
    except _EXPECTED as error:
        sys.stderr.write(f"error: {error}\n")
        raise SystemExit(1) from None
