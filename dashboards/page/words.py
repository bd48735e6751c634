"""Values as people read them: thousands separated, times in UTC."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from dashboards.spec import Chart, Column

MISSING = "–"


def value_text(value: Any, column: Column) -> str:
    """Return a value without its unit."""
    if value is None:
        return MISSING
    if isinstance(value, datetime):
        return (
            f"{value:%Y-%m-%d %H:%M}"
            if not value.second and not value.microsecond
            else f"{value:%Y-%m-%d %H:%M:%S}"
        )
    if isinstance(value, date):
        return value.isoformat()
    if column.type == "integer":
        return f"{int(value):,}"
    if column.type == "decimal":
        return _decimal_text(value)
    return str(value)


def _decimal_text(value: Any) -> str:
    # As many digits as the query gave: two for money, one for seconds.
    return f"{value:,}" if isinstance(value, Decimal) else f"{value:,.2f}"


def with_unit(value: Any, column: Column, unit: str = "") -> str:
    """Return a value with the unit of its column, or the one given."""
    return " ".join(
        filter(None, (value_text(value, column), (unit or column.unit) if value is not None else ""))
    )


def heading(column: Column) -> str:
    """Return what stands above a column of the table."""
    return (
        f"{column.label} ({column.unit})"
        if column.unit and column.unit not in column.label.lower()
        else column.label
    )


def summary(chart: Chart, rows: list[tuple[Any, ...]], panel: str = "") -> str:
    """Describe a drawing to those who don't see it; the table holds every value."""
    names = [column.name for column in chart.columns]
    (dimension,), measure = chart.of_role("dimension"), chart.of_role("measure")[0]
    over, value = names.index(dimension.name), names.index(measure.name)
    known = [row for row in rows if row[value] is not None]
    title = f"{chart.title}, {panel}" if panel else chart.title
    if not known:
        return f"{title}: nothing to draw."
    unit = panel if measure.unit_from else measure.unit
    most = max(known, key=lambda row: row[value])
    parts = [f"{len(rows)} values of {measure.label.lower()} by {dimension.label.lower()}"]
    if chart.chart != "row":
        parts.append(
            f"from {value_text(rows[0][over], dimension)} to {value_text(rows[-1][over], dimension)}"
        )
        parts.append(f"newest {with_unit(rows[-1][value], measure, unit)}")
    parts.append(f"highest {with_unit(most[value], measure, unit)} ({value_text(most[over], dimension)})")
    return f"{title}: {', '.join(parts)}. The table holds all values."
