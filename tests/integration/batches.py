"""Batch runs in a test, on the session's Spark."""

from contextlib import closing

from pyspark.sql import SparkSession

from pipeline.database import connect
from pipeline.jobs.run import Selection, record_gate
from pipeline.jobs.steps import Steps
from pipeline.quality.results import Result
from pipeline.settings import PostgresSettings
from pipeline.verify.tables import sums

INCREMENT = Selection()
FULL = Selection("full")


class Batch:
    """One run; each method is a step, `whole` is all of them."""

    def __init__(
        self, settings: PostgresSettings, spark: SparkSession, run_id: str, wait_s: float = 5
    ) -> None:
        self.settings = settings
        self.check_sums = True
        self.steps = Steps(settings, run_id, lambda: spark, wait_s=wait_s)

    def stage(self, selection: Selection = INCREMENT) -> int:
        """Begin and stage; return the number of staged facts."""
        self.steps.begin(selection)
        self.steps.dimensions()
        return self.steps.facts()

    def gate(self) -> list[Result]:
        """Judge what is staged by the real gate, as on the day after the newest order."""
        with closing(connect(self.settings, "etl", "tests")) as connection, connection:
            connection.cursor().execute(
                "UPDATE ops.batch_runs SET started_at = newest + interval '1 day'"
                " FROM (SELECT max(ordered_at) AS newest FROM raw.orders) AS orders"
                " WHERE run_id = %s AND newest IS NOT NULL",
                (self.steps.run_id,),
            )
        return self.steps.gate()

    def pass_gate(self) -> None:
        """Let what is staged pass without a look."""
        with closing(connect(self.settings, "etl", "tests")) as connection, connection:
            record_gate(connection.cursor(), self.steps.run_id)

    def publish(self) -> int:
        """Publish behind an open gate."""
        self.pass_gate()
        return self.merge()

    def merge(self) -> int:
        """Publish what a gate has let pass; whatever it was, the sums of dashboards are right afterwards."""
        publication = self.steps.publish()
        with closing(connect(self.settings, "etl", "tests")) as connection, connection.cursor() as cursor:
            wrong = sums(cursor).samples if self.check_sums else []
            assert wrong == []
        return publication

    def whole(self, selection: Selection = INCREMENT, judged: bool = True) -> int:
        """Run all steps, with the real gate and check or an open gate; return the number of staged facts."""
        staged = self.stage(selection)
        if not judged:
            self.publish()
            return staged
        self.gate()
        self.merge()
        self.steps.check()
        return staged
