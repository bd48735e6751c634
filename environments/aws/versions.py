"""Versions of the managed services that are known to be creatable; stack config chooses among them."""

from typing import Literal

PostgresVersion = Literal["17", "18"]
# `.kraft` is part of the version: whether ZooKeeper is used can't be changed later.
KafkaVersion = Literal["3.9.x.kraft", "4.0.x.kraft"]
# MWAA's Airflow 3: 3.0.6 is in botocore's list, the others are images that AWS published since.
AirflowVersion = Literal["3.0.6", "3.2.1", "3.3.1"]
# Spark 4 only: the 7 series is Spark 3.5 on Scala 2.12, for which our jars are not made.
EMR_RELEASE = r"^emr-spark-8\.\d+\.\d+$"
METABASE = "metabase/metabase:v0.63.17.2"
