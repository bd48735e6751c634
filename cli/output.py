"""Tables for a person, whole also where no terminal says how wide it is."""

import os
import sys

from rich.console import Console
from rich.table import Table

# Into a pipe or a file, where Rich takes 80 for the width and would cut names that people copy.
_WIDTH = 160


def print_table(table: Table) -> None:
    """Print a table as wide as the terminal, COLUMNS says, or a line of a log may be."""
    unknown = not sys.stdout.isatty() and "COLUMNS" not in os.environ
    Console(width=_WIDTH if unknown else None).print(table)
