"""`python -m benchmarks [--only NAME]`: run them, keep results/latest.json, print JSON lines and a table."""

import argparse

from benchmarks import (
    batch,
    dag_overhead,
    first_row,
    freshness,
    local_stack,
    page_refresh,
    streaming_throughput,
)
from benchmarks.result import keep, show

# A benchmark may report several figures; each of its names runs it.
BENCHMARKS = {
    "streaming_throughput": streaming_throughput.run,
    "freshness_p50": freshness.run,
    "freshness_p99": freshness.run,
    "first_row": first_row.run,
    "batch_rebuild": batch.run,
    "batch_increment": batch.run,
    "page_refresh_p95": page_refresh.run,
    "page_first_load": page_refresh.run,
    "dag_overhead": dag_overhead.run,
    "stack_image_cold": local_stack.run,
    "stack_image_warm": local_stack.run,
    "stack_image_size": local_stack.run,
    "stack_up": local_stack.run,
    "stack_up_unchanged": local_stack.run,
    "stack_up_one_line": local_stack.run,
}


def main() -> None:
    """Run the named benchmark, or each of them once."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", choices=sorted(BENCHMARKS), help="run one benchmark alone")
    help_ = "run only the batch's, with so many; results/latest.json stays as it is"
    parser.add_argument("--orders", type=int, metavar="N", help=help_)
    given = parser.parse_args()
    if given.orders is not None:
        show(batch.run(given.orders))
        return
    for run in [BENCHMARKS[given.only]] if given.only else dict.fromkeys(BENCHMARKS.values()):
        results = run()
        keep(results)
        show(results)


if __name__ == "__main__":
    main()
