"""Import every DAG file as Airflow's DAG processor does, and print what came of it as JSON.

Run by test_import.py in environments that hold Airflow and its providers, and nothing of ours.
"""

import importlib.util
import json
import sys
from pathlib import Path

import airflow

try:
    from airflow.dag_processing.dagbag import DagBag  # 3.1 and later
except ImportError:
    from airflow.models.dagbag import DagBag  # type: ignore[no-redef]

OURS = ("pyspark", "psycopg2", "kafka", "pipeline")


def main() -> None:
    folder = Path(sys.argv[1])
    sys.path.insert(0, str(folder))
    bag = DagBag(str(folder))
    found = {
        "version": airflow.__version__,
        "installed": [name for name in OURS if importlib.util.find_spec(name)],
        "errors": {Path(name).name: text for name, text in bag.import_errors.items()},
        "dags": {dag_id: sorted(dag.task_ids) for dag_id, dag in bag.dags.items()},
    }
    sys.stdout.write("\nRESULT " + json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
