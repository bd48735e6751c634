"""Pieces of the checks' SQL, made of our own names and never of input."""

from collections.abc import Iterable


def literals(values: Iterable[str]) -> str:
    """Return values as SQL literals, separated by commas."""
    return ", ".join(f"'{value}'" for value in values)


def null_names(columns: Iterable[str]) -> str:
    """Return SQL for a text array of those columns that are null."""
    cases = ", ".join(f"CASE WHEN {name} IS NULL THEN '{name}' END" for name in columns)
    return f"array_remove(ARRAY[{cases}], NULL)"


def any_null(columns: Iterable[str]) -> str:
    """Return SQL that is true where one of the columns is null."""
    return f"num_nulls({', '.join(columns)}) > 0"
