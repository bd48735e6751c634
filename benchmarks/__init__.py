"""Measures ours and the peers in one run, on this machine, and prints ratios: `python -m benchmarks`."""
