"""A chart's rows as a table: what a reader can't see in a drawing, and can copy."""

from typing import Any

from dash import html

from dashboards.page.words import heading, value_text
from dashboards.spec import Chart, Column

Rows = list[tuple[Any, ...]]
_NUMBERS = ("integer", "decimal")


def table(chart: Chart, rows: Rows) -> html.Table:
    """Return the table; times run backwards in it, so that what just happened comes first."""
    columns, body = _pivoted(chart, rows) if chart.of_role("panel", "series") else (list(chart.columns), rows)
    if columns[0].type in ("date", "timestamp") and chart.chart != "table":
        body = body[::-1]
    head = html.Tr([html.Th(heading(column), scope="col", className=_side(column)) for column in columns])
    lines = [
        html.Tr(
            [
                _cell(value, column, first=not place)
                for place, (value, column) in enumerate(zip(row, columns, strict=True))
            ]
        )
        for row in body
    ]
    return html.Table([html.Caption(f"Data: {chart.title}"), html.Thead(head), html.Tbody(lines)])


def _cell(value: Any, column: Column, *, first: bool) -> html.Th | html.Td:
    text = value_text(value, column)
    return (
        html.Th(text, scope="row", className=_side(column))
        if first
        else html.Td(text, className=_side(column))
    )


def _side(column: Column) -> str:
    return "number" if column.type in _NUMBERS else "words" if column.type == "text" else "moment"


def _pivoted(chart: Chart, rows: Rows) -> tuple[list[Column], Rows]:
    """Return one row per value of the dimension, with a column for each panel or series."""
    (dimension,), measure, across = (
        chart.of_role("dimension"),
        chart.of_role("measure")[0],
        chart.of_role("panel", "series")[0],
    )
    x, y, by = (chart.columns.index(column) for column in (dimension, measure, across))
    names = list(dict.fromkeys(row[by] for row in rows))
    found: dict[Any, dict[Any, Any]] = {}
    for row in rows:
        found.setdefault(row[x], {})[row[by]] = row[y]
    columns = [Column(name=measure.name, role="detail", type=measure.type, label=str(name)) for name in names]
    return [dimension, *columns], [
        (place, *(values.get(name) for name in names)) for place, values in found.items()
    ]
