"""Batch runs in a test, on the session's Spark."""

from contextlib import closing

from pyspark.sql import SparkSession

from pipeline.database import connect
from pipeline.jobs.run import Selection, record_gate
from pipeline.jobs.steps import Steps
from pipeline.settings import PostgresSettings
from pipeline.verify.tables import sums

INCREMENT = Selection()
FULL = Selection("full")


class Batch:
    """One run; each method is a step, `whole` is all of them with an open gate."""

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

    def pass_gate(self) -> None:
        """Let what is staged pass without a look."""
        with closing(connect(self.settings, "etl", "tests")) as connection, connection:
            record_gate(connection.cursor(), self.steps.run_id)

    def publish(self) -> int:
        """Publish behind an open gate; whatever it was, the sums of dashboards are right afterwards."""
        self.pass_gate()
        publication = self.steps.publish()
        with closing(connect(self.settings, "etl", "tests")) as connection, connection.cursor() as cursor:
            wrong = sums(cursor).samples if self.check_sums else []
            assert wrong == []
        return publication

    def whole(self, selection: Selection = INCREMENT) -> int:
        """Run all steps; return the number of staged facts."""
        staged = self.stage(selection)
        self.publish()
        return staged
