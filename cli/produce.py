"""`ecom produce`: the live producer with the platform found for it; its options are the producer's own."""

import functools
from typing import Any

from cli.context import use_platform
from producer.command import produce as run_produce


@functools.wraps(run_produce)
def produce(**options: Any) -> None:
    """Call the producer's command on the running platform."""
    use_platform()
    run_produce(**options)
