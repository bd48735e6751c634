"""The part of the batch that needs Spark: raw -> versions and facts -> staging."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from psycopg2.extensions import connection as Connection
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import StructType

from pipeline.jobs import facts, queries
from pipeline.jobs.dimensions import (
    CUSTOMER_ATTRIBUTES,
    CUSTOMER_STATES,
    PRODUCT_ATTRIBUTES,
    PRODUCT_STATES,
    versions,
)
from pipeline.jobs.run import BatchRun, Marks
from pipeline.jobs.seat import Seat
from pipeline.jobs.staging_sink import load
from pipeline.jobs.warehouse_source import read
from pipeline.settings import PostgresSettings

# Above this many versions a dimension is shuffled to the orders instead of copied to every worker.
BROADCAST_ROWS = 2_000_000


@dataclass
class SparkStaging:
    """Fills staging for one seat; `open_session` is called when Spark is needed first."""

    postgres: PostgresSettings
    seat: Seat
    open_session: Callable[[], SparkSession]
    _session: SparkSession | None = field(default=None, init=False)

    def members(self, run: BatchRun) -> dict[str, int]:
        """Stage the versions of the members with new states; return rows by table."""
        return {
            "customers": self._versions(run.customers, "customer", CUSTOMER_STATES, CUSTOMER_ATTRIBUTES),
            "products": self._versions(run.products, "product", PRODUCT_STATES, PRODUCT_ATTRIBUTES),
        }

    def facts(self, connection: Connection, sources: list[str], full: bool) -> int:
        """Stage the facts of the orders whose events the queries `sources` return; return how many.

        A `full` run's publication deletes the members that it did not stage, so no fact may point at them.
        """
        if not sources:
            return 0
        events = read(self._spark(), self.postgres, sources, facts.ORDER_EVENTS)
        # As many parts as were read: Spark's own 200 are too many for a day and too few for a decade.
        events = events.repartition(len(sources), "order_id")
        customers, products = (self._keys(connection, member, full) for member in ("customer", "product"))
        rows = facts.with_keys(facts.winners(events), customers, products)
        return load(rows, self.postgres, self.seat, "fact_orders")

    def _versions(self, between: Marks, member: str, schema: StructType, attributes: Sequence[str]) -> int:
        if between.empty:
            return 0
        query = queries.member_states(member, between)
        states = read(self._spark(), self.postgres, [query], schema)
        rows = versions(states, member, attributes)
        return load(rows, self.postgres, self.seat, f"dim_{member}s", free_text=attributes)

    def _keys(self, connection: Connection, member: str, full: bool) -> DataFrame:
        query = queries.member_keys(member, full)
        with connection, connection.cursor() as cursor:
            cursor.execute(f"SELECT count(*) FROM ({query}) AS keys")
            (count,) = cursor.fetchone() or (0,)
        keys = read(self._spark(), self.postgres, [query], facts.member_keys(member))
        return keys.hint("broadcast") if count <= BROADCAST_ROWS else keys

    def _spark(self) -> SparkSession:
        self._session = self._session or self.open_session()
        return self._session
