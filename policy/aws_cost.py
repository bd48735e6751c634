"""What a stack costs while nobody uses it, by the resources that are paid by the hour, and its ceiling."""

from collections.abc import Callable, Iterator, Sequence

from policy import prices
from policy.aws_compute import AIRFLOW, ALARM, SERVICE, TASK
from policy.aws_data import BROKERS, DATABASE
from policy.aws_network import BALANCER
from policy.prices import HOURS, INSTANCES
from policy.resource import Resource
from policy.rule import Inputs, StackRule, at, of


class NoPrice(LookupError):
    """Something paid by the hour whose price is not in the list."""


def monthly(name: str) -> float:
    """Return what an instance of this class costs in a month; raise NoPrice."""
    if name not in INSTANCES:
        raise NoPrice(f"{name} has no price in policy/prices.py")
    return INSTANCES[name].usd * HOURS


def database(inputs: Inputs) -> float:
    """Return the month of a database: a standby doubles both instance and disk."""
    one = monthly(inputs["instanceClass"]) + inputs["allocatedStorage"] * prices.RDS_GB.usd
    return float(one * (2 if inputs.get("multiAz") else 1))


def brokers(inputs: Inputs) -> float:
    """Return the month of a cluster's brokers with their disks."""
    place = inputs["brokerNodeGroupInfo"]
    disk = at(place, "storageInfo.ebsStorageInfo.volumeSize") or 0
    one = monthly(place["instanceType"]) + disk * prices.MSK_GB.usd
    return float(inputs["numberOfBrokerNodes"] * one)


def airflow(inputs: Inputs) -> float:
    """Return the month of an environment with its least workers, of which the first is included."""
    size = inputs["environmentClass"]
    more = max(0, (inputs.get("minWorkers") or 1) - 1)
    return float(monthly(size) + more * prices.WORKERS[size].usd * HOURS)


_EACH: dict[str, Callable[[Inputs], float]] = {
    DATABASE: database,
    BROKERS: brokers,
    AIRFLOW: airflow,
    "aws:ec2/natGateway:NatGateway": lambda _: prices.NAT.usd * HOURS,
    "aws:ec2/eip:Eip": lambda _: prices.ADDRESS.usd * HOURS,
    BALANCER: lambda _: prices.BALANCER.usd * HOURS,
    "aws:secretsmanager/secret:Secret": lambda _: prices.SECRET.usd,
    "aws:kms/key:Key": lambda _: prices.KEY.usd,
    ALARM: lambda _: prices.ALARM.usd,
}


def fargate(cpu: float, memory_mb: float) -> float:
    """Return the month of a task: 1024 units are a vCPU."""
    each = cpu / 1024 * prices.FARGATE_CPU.usd + memory_mb / 1024 * prices.FARGATE_GB.usd
    return each * HOURS


def _services(resources: Sequence[Resource]) -> float:
    # A service names its task by an ARN that a preview does not know; both have the service's name.
    tasks = {task.name: task.inputs for task in of(resources, TASK)}
    total = 0.0
    for service in of(resources, SERVICE):
        task = tasks.get(service.name) or max(tasks.values(), key=lambda each: float(each["cpu"]))
        total += service.inputs["desiredCount"] * fargate(float(task["cpu"]), float(task["memory"]))
    return total


def always(resources: Sequence[Resource]) -> float:
    """Return a month of everything that runs all day; raise NoPrice."""
    each = sum(_EACH[one.type](one.inputs) for one in resources if one.type in _EACH)
    return each + _services(resources)


def size_of(resources: Sequence[Resource]) -> str:
    """Return the size that the stack's resources are tagged with; empty without tags."""
    found = (at(one.inputs, "tags.Size") for one in of(resources, DATABASE))
    return str(next(found, None) or "")


def _ceiling(resources: Sequence[Resource]) -> Iterator[tuple[str, str]]:
    size, paid = size_of(resources), [one for one in resources if one.type in _EACH]
    if not paid:
        return
    try:
        month = always(resources)
    except NoPrice as error:
        yield "the stack", str(error)
        return
    limit = prices.CEILINGS.get(size)
    if limit is None:
        yield "the stack", f"its size {size!r} has no ceiling"
    elif month > limit:
        yield "the stack", f"a month costs {month:,.0f} USD before any job runs, {size} may cost {limit:,.0f}"


STACK_RULES = (StackRule("cost-ceiling", "a size is a promise about money", _ceiling),)
