"""Every kind of resource that the AWS environment uses."""

from tests.aws_provider.kinds import (
    airflow,
    balancer,
    containers,
    firewall,
    identity,
    kafka,
    network,
    place,
    postgres,
    spark,
    storage,
    watch,
)

__all__ = [
    "airflow",
    "balancer",
    "containers",
    "firewall",
    "identity",
    "kafka",
    "network",
    "place",
    "postgres",
    "spark",
    "storage",
    "watch",
]
