"""What AWS asks in us-east-1, on demand and without credits, and where and when that was seen.

`scripts/aws_cost.py` makes docs/aws-cost.md of it, and the cost rule bounds what always runs.
"""

from dataclasses import dataclass

HOURS = 730


@dataclass(frozen=True)
class Price:
    """US dollars for a unit; `seen` is when, `source` where: an address, or how it follows from others."""

    usd: float
    unit: str
    seen: str
    source: str


_MWAA = "https://dev.classmethod.jp/articles/amazon-mwaa-serverless-cost-comparison"
_RDS = "https://infratally.com/articles/aws-rds-pricing-explained-2026.html"
_RDS_PARTS = "https://www.usage.ai/blogs/aws/reserved-instances/rds/pricing-calculator/"
_FARGATE = "https://www.fortem.dev/blog/aws-fargate-pricing-real-costs"
# The list that this project began with: AWS's own pages, read between these two dates.
_LIST, _LIST_SEEN = "AWS's pricing page of the service", "2024-07 to 2026-05"

# By the name that a resource's input has, so that a rule finds it.
INSTANCES: dict[str, Price] = {
    "db.t4g.small": Price(0.032, "hour", "2026", _RDS),
    "db.m7g.large": Price(0.168, "hour", _LIST_SEEN, _LIST),
    "db.r7g.xlarge": Price(0.478, "hour", _LIST_SEEN, _LIST),
    "kafka.t3.small": Price(0.0456, "hour", _LIST_SEEN, _LIST),
    "kafka.m7g.large": Price(0.204, "hour", _LIST_SEEN, _LIST),
    "kafka.m7g.xlarge": Price(0.408, "hour", _LIST_SEEN, "twice kafka.m7g.large"),
    "mw1.small": Price(0.49, "hour", "2025-11", _MWAA),
    "mw1.medium": Price(0.74, "hour", "2025-11", _MWAA),
}
WORKERS: dict[str, Price] = {
    "mw1.small": Price(0.055, "hour", "2025-11", _MWAA),
    "mw1.medium": Price(0.11, "hour", "2025-11", _MWAA),
}
RDS_GB = Price(0.115, "GB and month", "2026-06", _RDS_PARTS)
MSK_GB = Price(0.10, "GB and month", _LIST_SEEN, _LIST)
FARGATE_CPU = Price(0.04048, "vCPU and hour", "2026", _FARGATE)
FARGATE_GB = Price(0.004445, "GB and hour", "2026", _FARGATE)
EMR_CPU = Price(0.052624, "vCPU and hour", _LIST_SEEN, _LIST)
EMR_GB = Price(0.0057785, "GB and hour", _LIST_SEEN, _LIST)
NAT = Price(0.045, "hour, and as much for each GB", _LIST_SEEN, _LIST)
BALANCER = Price(0.0225, "hour, and 0.008 for each LCU", _LIST_SEEN, _LIST)
ADDRESS = Price(0.005, "public IPv4 address and hour", _LIST_SEEN, _LIST)
SECRET = Price(0.40, "secret and month", _LIST_SEEN, _LIST)
KEY = Price(1.00, "key and month", _LIST_SEEN, _LIST)
ALARM = Price(0.10, "alarm and month", _LIST_SEEN, _LIST)
LOG_GB = Price(0.50, "GB taken in", _LIST_SEEN, _LIST)

# What a month of each size may cost at most, everything that always runs together.
CEILINGS = {"small": 750.0, "standard": 2200.0, "production": 7500.0}
