"""Checks of command-line options that Click's ranges let through."""

import math

import typer


def finite(value: float | None) -> float | None:
    """Return the value; refuse `nan` and `inf`, which are within any range without an end."""
    if value is not None and not math.isfinite(value):
        raise typer.BadParameter(f"{value} is not a finite number")
    return value
