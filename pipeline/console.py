"""How a module of the pipeline runs as a program: one clear line on failure, never a traceback."""

import sys
from collections.abc import Callable

from pipeline.database import DatabaseUnavailable, database_in_words
from pipeline.kafka_client import KafkaUnavailable
from pipeline.secret_values import SecretError
from pipeline.settings import SettingsError

EXPECTED: tuple[type[Exception], ...] = (SettingsError, SecretError, DatabaseUnavailable, KafkaUnavailable)


def run(main: Callable[[], None], expected: tuple[type[Exception], ...] = ()) -> None:
    """Call `main`; on an error of EXPECTED or `expected`, print its message to stderr and exit with 1."""
    try:
        with database_in_words():
            main()
    except EXPECTED + expected as error:
        sys.stderr.write(f"error: {error}\n")
        raise SystemExit(1) from None
