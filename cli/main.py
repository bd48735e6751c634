"""The `ecom` command: one Typer application; each command lives in a module of its own."""

import sys
from typing import Annotated

import typer

from cli.chosen import VARIABLE, choose_stack
from cli.commands import Commands

app = typer.Typer(name="ecom", cls=Commands, no_args_is_help=True, pretty_exceptions_enable=False)

# By name, because whatever raised one has imported it by then.
EXPECTED = (
    "cli.airflow_api.RunTimeout",
    "cli.airflow_http.AirflowRefused",
    "cli.airflow_http.AirflowUnavailable",
    "cli.stack.errors.StackError",
    "dashboards.metabase.errors.MetabaseError",
    "dashboards.spec_files.SpecError",
    "environments.embedded.errors.EnvironmentFailed",
    "infra.config.ConfigError",
    "pipeline.database.DatabaseUnavailable",
    "pipeline.dlq_topic.DlqError",
    "pipeline.jobs.run.RunUnknown",
    "pipeline.kafka_client.KafkaUnavailable",
    "pipeline.quality.errors.QualityError",
    "pipeline.secret_values.SecretError",
    "pipeline.settings.SettingsError",
    "pipeline.spark_failures.SparkFailed",
    "pipeline.stream.offsets.OffsetsLost",
    "pipeline.stream.offsets.TopicMissing",
    "pipeline.verify.check.StreamBehind",
    "pipeline.writers_lock.WritersBusy",
    "producer.client.BrokerUnavailable",
    "producer.seed.SeedRefused",
)


@app.callback()
def ecom(
    stack: Annotated[
        str,
        typer.Option(
            "--stack",
            envvar=VARIABLE,
            is_eager=True,  # or `--stack local --help` would list the embedded environment's commands
            help="Work on a stack of Pulumi's, e.g. local; `ecom --stack local --help` lists its commands.",
        ),
    ] = "",
) -> None:
    """Run, feed, inspect and verify the order pipeline."""
    choose_stack(stack)


def run() -> None:
    """Run the command line.

    An error that a user can mend is told on stderr with exit code 1, never as a traceback.
    """
    try:
        app()
    except Exception as error:
        told = _in_words(error)
        if not expected(told):
            raise
        sys.stderr.write(f"error: {told}\n")
        raise SystemExit(1) from None


def _in_words(error: Exception) -> Exception:
    """Return what the pipeline says of a database's error; others as they are."""
    if "pipeline.database" not in sys.modules:  # a third of a second to import
        return error
    from pipeline.database import database_in_words

    try:
        with database_in_words():
            raise error
    except Exception as told:
        return told


def expected(error: Exception) -> bool:
    """Say whether it is an error that a user can mend."""
    return any(f"{kind.__module__}.{kind.__qualname__}" in EXPECTED for kind in type(error).__mro__)
