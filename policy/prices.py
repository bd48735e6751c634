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
# The list that this project began with, of AWS's own pages, read between these two dates.
_LIST, _LIST_SEEN = "this project's first list, of AWS's pricing pages", "2024-07 to 2026-05"
# Remembered by whoever wrote it down, and on no page that could be read here.
_NOWHERE, _UNSEEN = "remembered; look it up", "not seen"

# By the name that a resource's input has, so that a rule finds it.
INSTANCES: dict[str, Price] = {
    "db.t4g.small": Price(0.032, "hour", "2026", _RDS),
    "db.m7g.large": Price(0.168, "hour", _UNSEEN, _NOWHERE),
    "db.r7g.xlarge": Price(0.478, "hour", _UNSEEN, _NOWHERE),
    "kafka.t3.small": Price(0.0456, "hour", _LIST_SEEN, _LIST),
    "kafka.m7g.large": Price(0.204, "hour", _LIST_SEEN, _LIST),
    "kafka.m7g.xlarge": Price(0.408, "hour", _LIST_SEEN, "twice kafka.m7g.large"),
    "mw1.small": Price(0.49, "hour", "after 2025-11", _MWAA),
    "mw1.medium": Price(0.74, "hour", "after 2025-11", _MWAA),
}
WORKERS: dict[str, Price] = {
    "mw1.small": Price(0.055, "hour", "after 2025-11", _MWAA),
    "mw1.medium": Price(0.11, "hour", "after 2025-11", _MWAA),
}
RDS_GB = Price(0.115, "GB and month", "2026-06", _RDS_PARTS)
MSK_GB = Price(0.10, "GB and month", _LIST_SEEN, _LIST)
FARGATE_CPU = Price(0.04048, "vCPU and hour", "2026", _FARGATE)
FARGATE_GB = Price(0.004445, "GB and hour", "2026", _FARGATE)
EMR_CPU = Price(0.052624, "vCPU and hour", _LIST_SEEN, _LIST)
EMR_GB = Price(0.0057785, "GB and hour", _LIST_SEEN, _LIST)
NAT = Price(0.045, "hour, and as much for each GB", _LIST_SEEN, _LIST)
BALANCER = Price(0.0225, "hour, and 0.008 for each LCU", _LIST_SEEN, _LIST)
ADDRESS = Price(0.005, "public IPv4 address and hour", _UNSEEN, _NOWHERE)
SECRET = Price(0.40, "secret and month", _UNSEEN, _NOWHERE)
KEY = Price(1.00, "key and month", _UNSEEN, _NOWHERE)
ALARM = Price(0.10, "alarm and month", _UNSEEN, _NOWHERE)
LOG_GB = Price(0.50, "GB taken in", _UNSEEN, _NOWHERE)

# What a month of each size may cost at most, everything that always runs together.
CEILINGS = {"small": 900.0, "standard": 2200.0, "production": 4600.0}
