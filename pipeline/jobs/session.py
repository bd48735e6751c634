"""The batch's Spark session."""

from pyspark.sql import SparkSession

from pipeline.settings import SparkSettings, load
from pipeline.spark_session import open_session

SPARK_CONF = {
    "spark.sql.execution.arrow.maxRecordsPerBatch": "50000",
    "spark.sql.adaptive.enabled": "true",
    # Most orders have an event or two: keeping the newest before the shuffle too is a sort for nothing.
    "spark.sql.optimizer.windowGroupLimitThreshold": "-1",
}


def open_batch_session() -> SparkSession:
    """Open the session that ECOM_SPARK_* describe; raise SettingsError."""
    return open_session(load(SparkSettings), "ecom-batch", SPARK_CONF)
