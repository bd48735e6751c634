"""How a module of the pipeline runs as a program: one clear line on failure, never a traceback."""

import sys
from collections.abc import Callable

from pipeline.database import DatabaseUnavailable
from pipeline.secret_values import SecretError
from pipeline.settings import SettingsError

EXPECTED = (SettingsError, SecretError, DatabaseUnavailable)


def run(main: Callable[[], None]) -> None:
    """Call `main`; end with exit code 1 and the message of an expected error on stderr."""
    try:
        main()
    except EXPECTED as error:
        sys.stderr.write(f"error: {error}\n")
        raise SystemExit(1) from None
