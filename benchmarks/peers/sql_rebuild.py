"""The rebuild as SQL inside PostgreSQL, its result copied out and in again, then published like ours."""

import tempfile
import time
from contextlib import closing

from benchmarks.lab import Lab
from pipeline.jobs.facts import FACT_COLUMNS
from pipeline.jobs.publish import MERGE
from pipeline.rebuild.publish import run_script
from pipeline.sums.publication import recompute

_COLUMNS = ", ".join(FACT_COLUMNS)
_OUT = {
    "dim_customers": "SELECT * FROM rebuilt_customers",
    "dim_products": "SELECT * FROM rebuilt_products",
    "fact_orders": f"SELECT {_COLUMNS} FROM rebuilt_facts",
}


def run(lab: Lab) -> float:
    """Return the seconds from raw to published, in one transaction."""
    started = time.monotonic()
    with closing(lab.connect()) as connection, connection, connection.cursor() as cursor:
        for script in ("dimensions.sql", "publish_dimensions.sql", "facts.sql"):
            run_script(cursor, script)
        for table, query in _OUT.items():
            with tempfile.TemporaryFile(dir=lab.folder) as file:
                cursor.copy_expert(f"COPY ({query}) TO STDOUT", file)
                file.seek(0)
                cursor.copy_expert(f"COPY staging.{table} FROM STDIN", file)
        cursor.execute(MERGE, {"until": 2**62})
        recompute(cursor)
    return round(time.monotonic() - started, 2)
