"""Run a batch, or one step of it: `python -m pipeline.jobs --help`."""

from pipeline.console import run
from pipeline.jobs.command import EXPECTED_ERRORS, app

if __name__ == "__main__":
    run(app, EXPECTED_ERRORS)
