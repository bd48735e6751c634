"""What `make setup` does ahead of time, so that a first `up` need not: jars and the archive of classes."""

import sys

from environments.embedded import class_archive, jars
from environments.embedded.errors import EnvironmentFailed


def main() -> int:
    """Prepare everything, saying what takes time; return the exit code."""
    try:
        jars.kafka_jars(_say)
        jars.connector_jars(_say)
        class_archive.make(_say)
    except EnvironmentFailed as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0


def _say(message: str) -> None:
    sys.stderr.write(f"{message}\n")


if __name__ == "__main__":
    sys.exit(main())
