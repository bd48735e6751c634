"""Prepare PostgreSQL and Kafka: `python -m environments.local.setup`; safe to repeat.

The platform's variables say where the two are, TOPICS_VARIABLE what the topics should be, DATABASES_VARIABLE
which other databases there are, each with the file of its role's password.
"""

import json
import os
import subprocess
import sys

from environments.local.setup import DATABASES_VARIABLE, TOPICS_VARIABLE, databases
from environments.local.setup.kafka_topics import ensure_topics


def main() -> int:
    """Migrate, which waits for PostgreSQL; then the other databases and the topics; return the exit code."""
    migrated = subprocess.run([sys.executable, "-m", "pipeline.migrate"], check=False)
    if migrated.returncode != 0:
        return migrated.returncode
    for name, password_file in json.loads(os.environ[DATABASES_VARIABLE]).items():
        databases.ensure(name, password_file)
    ensure_topics(os.environ["ECOM_KAFKA_BOOTSTRAP_SERVERS"], json.loads(os.environ[TOPICS_VARIABLE]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
