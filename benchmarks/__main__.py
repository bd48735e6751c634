"""`python -m benchmarks [--only NAME]`: run them, write results/latest.json, print JSON lines and a table."""

import argparse

from benchmarks import batch, first_row, freshness, page_refresh, streaming_throughput
from benchmarks.result import write

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
}


def main() -> None:
    """Run the named benchmark, or each of them once."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", choices=sorted(BENCHMARKS), help="run one benchmark alone")
    chosen = parser.parse_args().only
    runs = [BENCHMARKS[chosen]] if chosen else list(dict.fromkeys(BENCHMARKS.values()))
    for run in runs:
        write(run())


if __name__ == "__main__":
    main()
