"""Orders per second out of a backlog, committed in raw.orders and curated.fact_orders: ours and the peers.

Steady state: from the commit that passes the first 300,000 orders to the last one.
"""

import time
from contextlib import closing

from benchmarks.backlog import WARM_UP, fill_topic, write_copy_files
from benchmarks.lab import Lab, open_lab
from benchmarks.meter import wait_until, watch
from benchmarks.peers.floor import load_files
from benchmarks.result import Result

ORDERS = 2_300_000
# The plain consumer needs minutes for what the others do in one; its rate is the same from the first second.
PLAIN_ORDERS = 150_000
PLAIN_WARM_UP = 30_000
FLOOR_ORDERS = 1_000_000
TOPIC = "orders"


def run() -> list[Result]:
    """Fill one topic, drain it with each contender into a database of its own."""
    with open_lab() as lab:
        fill_topic(lab, "backlog", ORDERS)
        ours, overall = _drain(lab, "ours", "pipeline.stream", ORDERS, WARM_UP)
        stock, _ = _drain(lab, "stock", "benchmarks.peers.stock_spark", ORDERS, WARM_UP)
        plain, _ = _drain(lab, "plain", "benchmarks.peers.plain_consumer", PLAIN_ORDERS, PLAIN_WARM_UP)
        files = write_copy_files(lab.folder / "files", FLOOR_ORDERS)
        floor = _floor(lab, files, connections=1)
        parallel = _floor(lab, files, connections=2)
    peers = {
        "stock Spark recipe (JDBC writer)": round(stock, 1),
        "plain consumer (execute_values)": round(plain, 1),
        "floor on two connections": round(parallel, 1),
    }
    notes = {"from process start": round(overall, 1)}
    return [Result("streaming_throughput", "orders/s", round(ours, 1), peers, round(floor, 1), notes)]


def _drain(lab: Lab, name: str, module: str, orders: int, warm_up: int) -> tuple[float, float]:
    """Return orders per second in steady state, and from the start of the process."""
    contender = lab.contender(name, "backlog")
    started = time.time()
    with watch(contender, "backlog", every_s=0.05) as trace, contender.program(module, log=name) as process:
        wait_until(trace, orders, process)
    _check(contender, orders)
    return trace.rate(warm_up), trace.total() / (trace.samples[-1][0] - started)


def _floor(lab: Lab, files: list, connections: int) -> float:
    contender = lab.contender(f"floor{connections}", "backlog")
    seconds = load_files(contender, files, connections)
    _check(contender, FLOOR_ORDERS)
    return FLOOR_ORDERS / seconds


def _check(lab: Lab, orders: int) -> None:
    """A rate counts only if the rows are there."""
    with closing(lab.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM raw.orders WHERE source <> 'seed'")
        (raw,) = cursor.fetchone() or (0,)
        cursor.execute(
            "SELECT count(*) FROM (SELECT order_id, max(order_version) AS version FROM raw.orders"
            " GROUP BY 1) won JOIN curated.fact_orders fact"
            " ON fact.order_id = won.order_id AND order_version = version"
        )
        (facts,) = cursor.fetchone() or (0,)
        cursor.execute("SELECT count(DISTINCT order_id) FROM raw.orders")
        (distinct,) = cursor.fetchone() or (0,)
    # The last commits of one that was not told where to stop may go past `orders`.
    if raw < orders or facts != distinct:
        raise RuntimeError(f"{raw:,} of {orders:,} events in raw, {facts:,} of {distinct:,} facts right")
