"""The batch's Spark session."""

import logging

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
    """Open the session that ECOM_SPARK_* describe; raise SettingsError or SparkFailed.

    Spark logs only where the pipeline logs at level DEBUG: to a person, pages of Java say less than our line.
    """
    level = "WARN" if logging.getLogger(__name__).isEnabledFor(logging.DEBUG) else "OFF"
    return open_session(load(SparkSettings), "ecom-batch", SPARK_CONF, level)
