"""Results of checks for a terminal."""

from collections.abc import Iterable, Sequence

from rich.markup import escape
from rich.table import Table

from pipeline.quality.exceptions import Accepted
from pipeline.quality.results import Result

_STYLES = {"passed": "green", "failed": "red", "warned": "yellow", "accepted": "magenta", "skipped": "dim"}


def results_table(results: Iterable[Result], title: str) -> Table:
    """Return a row for each result, coloured by its outcome."""
    table = Table(title=title)
    for name in ("phase", "check", "outcome", "measured", "allowed", "rows", "why"):
        table.add_column(name, no_wrap=name == "check")
    for result in results:
        table.add_row(
            result.phase,
            result.check_name,
            result.outcome,
            "" if result.measured is None else f"{result.measured:.6g}",
            f"{result.bound} {result.limit_value:g}",
            f"{result.failing_rows:,}",
            escape(result.reason or ""),
            style=_STYLES[result.outcome],
        )
    return table


def exceptions_table(exceptions: Sequence[Accepted]) -> Table:
    """Return a row for each exception that holds."""
    table = Table(title="accepted exceptions")
    for name in ("exception", "check", "day", "who", "why", "until (UTC)"):
        table.add_column(name, no_wrap=name == "check")
    for one in exceptions:
        day = one.day.isoformat() if one.day else "all"
        until = f"{one.until:%Y-%m-%d %H:%M}"
        table.add_row(str(one.exception_id), one.check_name, day, escape(one.who), escape(one.why), until)
    return table
