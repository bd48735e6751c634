"""Write docs/aws-cost.md: each size's month, of environments/aws/sizes.py and policy/prices.py.

python -m scripts.aws_cost [--check]
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from environments.aws.observability import USUAL_USD
from environments.aws.passwords import NAMES
from environments.aws.sizes import SIZES, Size, SizeName
from policy import aws_cost, prices
from policy.prices import HOURS, Price
from scripts import generated_page

PAGE = Path(__file__).resolve().parents[1] / "docs" / "aws-cost.md"
_BEGIN, _END = "<!-- computed: python -m scripts.aws_cost -->", "<!-- computed until here -->"
# A day's batch, and what a month brings into logs, as far as it can be guessed.
_BATCH_HOURS, _DAYS = 1.0, 30.4
_LOGS_GB: dict[SizeName, float] = {"small": 5, "standard": 20, "production": 60}
# The network that a size is usually built with: zones, NAT gateways.
_NETWORK: dict[SizeName, tuple[int, int]] = {"small": (2, 1), "standard": (3, 3), "production": (3, 3)}
# Beside one for each broker.
_ALARMS = 8


@dataclass(frozen=True)
class Line:
    """A part of the month: what, how much of it, dollars."""

    part: str
    what: str
    usd: float


def lines(name: SizeName) -> list[Line]:
    """Return the parts of a size's month."""
    size, (zones, gateways) = SIZES[name], _NETWORK[name]
    return [
        Line("Airflow", f"{size.airflow_class}, one worker, all day", _airflow(size)),
        Line("Kafka", _kafka_words(size, zones), _kafka(size, zones)),
        Line("Postgres", _postgres_words(size), _postgres(size)),
        *_spark(size),
        Line("Metabase", f"{size.metabase_tasks} x {size.metabase_cpu / 1024:g} vCPU", _metabase(size)),
        Line("load balancer", "without its traffic", prices.BALANCER.usd * HOURS),
        Line("way out", f"{gateways} NAT and its address, without traffic", _nat(gateways)),
        Line(
            "secrets, key, alarms", f"{len(NAMES) + 1}, 1, {_alarms(size, zones)}", _small_things(size, zones)
        ),
        Line("logs", f"{_LOGS_GB[name]:g} GB, a guess", _LOGS_GB[name] * prices.LOG_GB.usd),
    ]


def total(name: SizeName) -> float:
    """Return the month of a size."""
    return sum(line.usd for line in lines(name))


def _airflow(size: Size) -> float:
    return aws_cost.airflow({"environmentClass": size.airflow_class, "minWorkers": 1})


def _kafka(size: Size, zones: int) -> float:
    disk = {"ebsStorageInfo": {"volumeSize": size.broker_gb}}
    place = {"instanceType": size.broker_class, "storageInfo": disk}
    nodes = zones * size.brokers_per_zone
    return aws_cost.brokers({"numberOfBrokerNodes": nodes, "brokerNodeGroupInfo": place})


def _kafka_words(size: Size, zones: int) -> str:
    return f"{zones * size.brokers_per_zone} x {size.broker_class}, {size.broker_gb} GB each"


def _postgres(size: Size) -> float:
    return aws_cost.database(
        {
            "instanceClass": size.postgres_class,
            "allocatedStorage": size.postgres_gb,
            "multiAz": size.postgres_standby,
        }
    )


def _postgres_words(size: Size) -> str:
    standby = " with a standby" if size.postgres_standby else ""
    return f"{size.postgres_class}, {size.postgres_gb} GB{standby}"


def _spark(size: Size) -> Iterator[Line]:
    worker = size.executor_cores * prices.EMR_CPU.usd + size.executor_gb * prices.EMR_GB.usd
    shape = f"{size.executor_cores} vCPU, {size.executor_gb} GB"
    streaming = 1 + size.stream_executors
    yield Line("stream", f"{streaming} workers of {shape}, all day", streaming * worker * HOURS)
    batch = size.emr_batch_cpu // size.executor_cores
    hours = _BATCH_HOURS * _DAYS
    yield Line("batch", f"up to {batch} workers of {shape}, an hour a day", batch * worker * hours)


def _metabase(size: Size) -> float:
    return size.metabase_tasks * aws_cost.fargate(size.metabase_cpu, size.metabase_mb)


def _nat(gateways: int) -> float:
    return gateways * (prices.NAT.usd + prices.ADDRESS.usd) * HOURS


def _alarms(size: Size, zones: int) -> int:
    return _ALARMS + zones * size.brokers_per_zone


def _small_things(size: Size, zones: int) -> float:
    # One secret more than passwords: RDS's own.
    secrets = (len(NAMES) + 1) * prices.SECRET.usd
    return secrets + prices.KEY.usd + _alarms(size, zones) * prices.ALARM.usd


def computed() -> str:
    """Return the part of the page that is computed."""
    words = [
        _BEGIN,
        *_sizes(),
        "### Prices\n",
        "| what | USD | for | seen | where |",
        "|---|---|---|---|---|",
    ]
    words += [f"| {name} | {one.usd:g} | {one.unit} | {one.seen} | {one.source} |" for name, one in _prices()]
    return "\n".join([*words, _END])


def _sizes() -> Iterator[str]:
    for name in get_args(SizeName):
        zones, gateways = _NETWORK[name]
        yield f"### {name}: {total(name):,.0f} USD a month\n"
        yield f"With {zones} zones and {gateways} NAT; the budget of the stack is {USUAL_USD[name]:,} USD.\n"
        yield "| part | what | USD |\n|---|---|---:|"
        yield from (f"| {line.part} | {line.what} | {line.usd:,.0f} |" for line in lines(name))
        yield ""


def _prices() -> Iterator[tuple[str, Price]]:
    yield from prices.INSTANCES.items()
    yield from ((f"another worker of {name}", one) for name, one in prices.WORKERS.items())
    named = {name: one for name, one in vars(prices).items() if isinstance(one, Price)}
    yield from ((name.lower().replace("_", " "), one) for name, one in named.items())


def with_computed(text: str) -> str:
    """Return a page with its computed part made anew."""
    before, _, rest = text.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    return before + computed() + after


def main(arguments: list[str] | None = None) -> int:
    """Write the page, or tell whether it is what it should be; return the exit code."""
    return generated_page.run("aws_cost", __doc__, PAGE, with_computed, arguments)


if __name__ == "__main__":
    sys.exit(main())
