"""Prepare PostgreSQL and Kafka: `python -m environments.local.setup`; safe to repeat.

The platform's variables say where the two are, TOPICS_VARIABLE says what the topics should be.
"""

import json
import os
import subprocess
import sys

from environments.local.setup import TOPICS_VARIABLE
from environments.local.setup.airflow_database import ensure_airflow
from environments.local.setup.kafka_topics import ensure_topics


def main() -> int:
    """Migrate, which waits for PostgreSQL; then Airflow's database and the topics; return the exit code."""
    migrated = subprocess.run([sys.executable, "-m", "pipeline.migrate"], check=False)
    if migrated.returncode != 0:
        return migrated.returncode
    ensure_airflow()
    ensure_topics(os.environ["ECOM_KAFKA_BOOTSTRAP_SERVERS"], json.loads(os.environ[TOPICS_VARIABLE]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
