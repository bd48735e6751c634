"""The batch: a full rebuild beside the same SQL in PostgreSQL and dbt, and one day on top of a year."""

import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
from pyspark.sql import SparkSession

from benchmarks.lab import Lab, open_lab
from benchmarks.peers import dbt_models, sql_rebuild
from benchmarks.result import Result
from pipeline.jobs.run import Selection, record_gate
from pipeline.jobs.session import SPARK_CONF
from pipeline.jobs.steps import Steps
from pipeline.settings import SparkSettings
from pipeline.spark_session import open_session

ORDERS = 5_000_000
DAYS = 365
_HISTORY = Path(__file__).with_name("history.sql").read_text(encoding="utf-8")
_ORDERED_ID = """
CREATE FUNCTION pg_temp.ordered_id(moment timestamptz, seed text) RETURNS uuid IMMUTABLE LANGUAGE sql AS $$
    SELECT (lpad(to_hex((extract(epoch FROM moment) * 1000)::bigint), 12, '0') || '7' || left(md5(seed), 3)
        || '8' || substr(md5(seed), 4, 15))::uuid
$$
"""


def run(orders: int = ORDERS) -> list[Result]:
    """Rebuild a year with each contender, each in a database of its own; then one more day with ours."""
    with open_lab(services=("postgres",)) as lab:
        _remember_history(lab, orders)
        sql_s = sql_rebuild.run(lab.contender("sql", "orders"))
        dbt_s = dbt_models.run(lab.contender("dbt", "orders"))
        ours = lab.contender("batch", "orders")
        with closing(_Session(ours)) as session:
            rebuild_s = _whole(ours, session, "rebuild", Selection("full"))
            _add_orders(ours, orders, range(orders, orders + orders // DAYS))
            increment_s = _whole(ours, session, "increment", Selection())
            memory_mb = _jvm_peak_mb()
    peers = {"the same SQL in PostgreSQL, COPY out and in": sql_s, "dbt-postgres": dbt_s}
    return [
        Result("batch_rebuild", "s", rebuild_s, peers, notes={"JVM peak MB": memory_mb}),
        Result("batch_increment", "s", increment_s, {"batch_rebuild": rebuild_s}),
    ]


class _Session:
    def __init__(self, lab: Lab) -> None:
        prefix = "ECOM_SPARK_"
        values = {k.removeprefix(prefix).lower(): v for k, v in lab.variables.items() if k.startswith(prefix)}
        self.spark: SparkSession = open_session(SparkSettings.model_validate(values), "bench", SPARK_CONF)

    def close(self) -> None:
        self.spark.stop()


def _whole(lab: Lab, session: _Session, run_id: str, selection: Selection) -> float:
    """Return the seconds of all steps; the session is there already, and the gate is open."""
    steps = Steps(lab.postgres, run_id, lambda: session.spark)
    started = time.monotonic()
    steps.begin(selection)
    steps.dimensions()
    steps.facts()
    with closing(lab.connect("etl")) as connection, connection:
        record_gate(connection.cursor(), run_id)
    steps.publish()
    return round(time.monotonic() - started, 2)


def _remember_history(lab: Lab, orders: int) -> None:
    """Fill the database that the contenders' are copied from."""
    template = lab.seeded()
    _add_orders(template, orders, range(orders))
    with closing(template.connect()) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        # A year of orders did not arrive a moment ago: autovacuum has been there, for each contender alike.
        cursor.execute("VACUUM (ANALYZE)")


def _add_orders(lab: Lab, per_year: int, numbers: range) -> None:
    start = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=DAYS)
    values = {"start": start, "per_year": per_year, "first": numbers[0], "last": numbers[-1]}
    with closing(lab.connect()) as connection, connection, connection.cursor() as cursor:
        cursor.execute(_ORDERED_ID)
        cursor.execute(_HISTORY, values)


def _jvm_peak_mb() -> float:
    """Return the greatest resident size of this process's JVM."""
    java = [child for child in psutil.Process().children(recursive=True) if child.name() == "java"]
    status = [Path(f"/proc/{child.pid}/status").read_text(encoding="utf-8") for child in java]
    peaks = [
        int(line.split()[1]) for text in status for line in text.splitlines() if line.startswith("VmHWM")
    ]
    return round(max(peaks, default=0) / 1024)
