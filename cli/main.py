"""The `ecom` command: one Typer application; each command lives in a module of its own."""

import sys

import typer

from cli import batch, dashboards, dlq, lifecycle, quality, stream
from cli.airflow_api import AirflowRefused, AirflowUnavailable, RunTimeout
from cli.demo import demo
from cli.produce import produce
from cli.seed import seed
from cli.verify import verify
from dashboards.metabase.errors import MetabaseError
from dashboards.spec_files import SpecError
from environments.embedded import EnvironmentFailed
from infra.config import ConfigError
from pipeline.console import EXPECTED
from pipeline.database import database_in_words
from pipeline.dlq_topic import DlqError
from pipeline.jobs.run import RunUnknown
from pipeline.quality.errors import QualityError
from pipeline.stream.offsets import OffsetsLost, TopicMissing
from pipeline.verify import StreamBehind
from producer.client import BrokerUnavailable
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
app.command()(verify)
app.add_typer(dlq.app, name="dlq")
app.add_typer(stream.app, name="stream")
app.add_typer(batch.app, name="batch")
app.add_typer(quality.app, name="quality")
app.add_typer(dashboards.app, name="dashboards")
app.command()(demo)

_EXPECTED: tuple[type[Exception], ...] = (
    ConfigError,
    EnvironmentFailed,
    SeedRefused,
    BrokerUnavailable,
    DlqError,
    OffsetsLost,
    TopicMissing,
    StreamBehind,
    RunUnknown,
    QualityError,
    AirflowUnavailable,
    AirflowRefused,
    RunTimeout,
    SpecError,
    MetabaseError,
    *EXPECTED,
)


def run() -> None:
    """Start the command line; the entry point of the `ecom` script.

    An error that a user can mend is told on stderr with exit code 1, never as a traceback.
    """
    try:
        with database_in_words():
            app()
    except _EXPECTED as error:
        sys.stderr.write(f"error: {error}\n")
        raise SystemExit(1) from None
