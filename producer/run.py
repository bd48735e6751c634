"""One run of the producer: from the plan to the summary."""

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import count as counting
from pathlib import Path

from kafka.errors import KafkaError

from pipeline.settings import KafkaSettings
from producer.catalog import DEFAULT_CUSTOMERS, DEFAULT_PRODUCTS, DEFAULT_SEED, build_catalog
from producer.client import open_client
from producer.delivery import Delivery
from producer.messages import Clock, Shares, timestamp
from producer.pacing import Pacer
from producer.stopping import stop_on_signals
from producer.stream import EventStream

_SECOND_US = 1_000_000
# With a start of its own and no rate, simulated time passes at this many messages a second.
_SIMULATED_RATE = 1_000

Watcher = Callable[[Delivery], None]


@dataclass(frozen=True)
class ProducePlan:
    """What to send; `rate` 0 is as fast as possible, `count` and `duration_s` None are without end.

    With `start`, time is simulated from there on and everything is reproducible byte for byte.
    """

    rate: float = 100.0
    count: int | None = None
    duration_s: float | None = None
    seed: int = DEFAULT_SEED
    customers: int = DEFAULT_CUSTOMERS
    products: int = DEFAULT_PRODUCTS
    shares: Shares = field(default_factory=Shares)
    start: datetime | None = None
    give_up_after_s: float = 60.0
    report: Path | None = None


@dataclass(frozen=True)
class Summary:
    """What became of the messages; `failed` ones were not acknowledged, whether or not they got there.

    `interrupted_by` names the signal that ended the run before its plan did.
    """

    topic: str
    start: str
    produced: dict[str, int]
    delivered: int
    delivered_by_kind: dict[str, int]
    failed: int
    seconds: float
    rate: float
    error: str | None
    interrupted_by: str | None = None


def run(settings: KafkaSettings, plan: ProducePlan, watch: Watcher = lambda delivery: None) -> Summary:
    """Send what the plan says, and return what was acknowledged; `watch` is called many times a second.

    A stop signal ends it early, with everything in flight flushed, and is told in the summary: what should
    end with it is the caller's to end. A second one ends it without waiting.
    Raises BrokerUnavailable if Kafka can't be reached at the start, OSError if the report can't be written.
    """
    start_us = _microseconds(plan.start or datetime.now(UTC))
    stream = event_stream(plan, start_us)
    with ExitStack() as stack:
        report = None
        if plan.report is not None:
            # Line by line: after a kill -9 the file still holds what was acknowledged.
            report = stack.enter_context(plan.report.open("w", encoding="utf-8", buffering=1))
        client = open_client(settings, plan.give_up_after_s)
        delivery = Delivery(client, settings.orders_topic, report, patience_s=plan.give_up_after_s + 1)
        stop = stack.enter_context(stop_on_signals())
        started = time.monotonic()
        # The second signal interrupts: what is acknowledged by then counts, nothing else is waited for.
        with suppress(KeyboardInterrupt):
            _pump(plan, stream, delivery, stop, watch)
            delivery.flush()
        delivery.close()
        watch(delivery)
        summary = _summary(settings.orders_topic, start_us, delivery, time.monotonic() - started)
        return replace(summary, interrupted_by=stop.signal_name)


def event_stream(plan: ProducePlan, start_us: int) -> EventStream:
    """Return the plan's messages; `start_us` is microseconds since the epoch."""
    catalog = build_catalog(plan.customers, plan.products, plan.seed)
    return EventStream(catalog, plan.shares, start_us, _clock(plan, start_us))


def _pump(
    plan: ProducePlan, stream: EventStream, delivery: Delivery, stop: threading.Event, watch: Watcher
) -> None:
    pacer = Pacer(plan.rate)
    until = None if plan.duration_s is None else time.monotonic() + plan.duration_s
    left = counting() if plan.count is None else iter(range(plan.count))
    while not stop.is_set() and delivery.broken is None and (until is None or time.monotonic() < until):
        for _ in range(pacer.due()):
            if stop.is_set() or next(left, None) is None or not delivery.send(next(stream), stop.is_set):
                return
        watch(delivery)
        stop.wait(pacer.pause_s())


def _clock(plan: ProducePlan, start_us: int) -> Clock:
    if plan.start is None:
        return lambda: time.time_ns() // 1_000
    ticks, step_us = counting(), _SECOND_US / (plan.rate or _SIMULATED_RATE)
    return lambda: start_us + int(next(ticks) * step_us)


def _microseconds(moment: datetime) -> int:
    return int(moment.timestamp()) * _SECOND_US + moment.microsecond


def _summary(topic: str, start_us: int, delivery: Delivery, seconds: float) -> Summary:
    delivered = delivery.delivered.total()
    error = delivery.broken or delivery.last_error
    return Summary(
        topic=topic,
        start=timestamp(start_us),
        produced=dict(sorted(delivery.produced.items())),
        delivered=delivered,
        delivered_by_kind=dict(sorted(delivery.delivered.items())),
        failed=delivery.failed,
        seconds=round(seconds, 3),
        rate=round(delivered / seconds, 1) if seconds else 0.0,
        error=None if error is None else _told(error),
    )


def _told(error: Exception) -> str:
    # A KafkaError begins with its own name, others don't.
    return str(error) if isinstance(error, KafkaError) else f"{type(error).__name__}: {error}"
