"""Seconds from Kafka's CreateTime to the commit being visible to another connection, at 1,000 orders/s."""

import subprocess
import threading
from contextlib import closing

import numpy as np

from benchmarks.lab import CUSTOMERS, PRODUCTS, Lab, open_lab
from benchmarks.meter import Trace, wait_until, watch
from benchmarks.result import Result

RATE = 1_000
SECONDS = 120
PEER_SECONDS = 40
SAMPLE_EVERY_S = 0.02
_CONTENDERS = {
    "ours": ("pipeline.stream", SECONDS),
    "stock Spark recipe (JDBC writer)": ("benchmarks.peers.stock_spark", PEER_SECONDS),
    "plain consumer (execute_values)": ("benchmarks.peers.plain_consumer", PEER_SECONDS),
}


def run() -> list[Result]:
    """Let each contender follow the same load; the load starts once its first order is committed."""
    figures: dict[str, np.ndarray] = {}
    with open_lab() as lab:
        for number, (name, (module, seconds)) in enumerate(_CONTENDERS.items()):
            topic = f"live{number}"
            lab.create_topic(topic)
            figures[name] = _follow(lab.contender(topic, topic), topic, module, seconds)
    ours = figures.pop("ours")
    return [
        Result(
            f"freshness_p{quantile}",
            "s",
            round(float(np.percentile(ours, quantile)), 3),
            {name: round(float(np.percentile(other, quantile)), 3) for name, other in figures.items()},
            notes={"orders": len(ours), "max": round(float(ours.max()), 3)},
        )
        for quantile in (50, 99)
    ]


def _follow(lab: Lab, topic: str, module: str, seconds: int) -> np.ndarray:
    with watch(lab, topic, SAMPLE_EVERY_S) as trace, lab.program(module, log=topic) as process:
        first = _produce(lab, topic, 1, 1)
        wait_until(trace, first, process)
        sent = _produce(lab, topic, RATE * seconds, RATE)
        wait_until(trace, first + sent, process)
        threading.Event().wait(2 * SAMPLE_EVERY_S)
    return _ages(lab, topic, trace)[first:]


def _produce(lab: Lab, topic: str, count: int, rate: int) -> int:
    with lab.program(
        "producer",
        *(f"--rate={rate}", f"--count={count}", f"--customers={CUSTOMERS}", f"--products={PRODUCTS}"),
        "--no-progress",
        log=f"{topic}-producer",
    ) as producer:
        if producer.wait() != 0:
            raise subprocess.CalledProcessError(producer.returncode, "producer")
    return count


def _ages(lab: Lab, topic: str, trace: Trace) -> np.ndarray:
    """Return the age in seconds of each order at the moment it was first seen committed, in time order."""
    with closing(lab.connect()) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT source_partition, source_offset, extract(epoch FROM source_timestamp)::float"
            " FROM raw.orders WHERE source = %s ORDER BY source_timestamp",
            (topic,),
        )
        rows = np.array(cursor.fetchall())
    partitions, offsets, created = rows[:, 0].astype(int), rows[:, 1].astype(int), rows[:, 2]
    ages = np.empty(len(rows))
    for partition in np.unique(partitions):
        here = partitions == partition
        ages[here] = trace.seen_at(int(partition), offsets[here]) - created[here]
    return ages
