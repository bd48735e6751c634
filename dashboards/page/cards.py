"""What a chart's card holds once its rows are there."""

import re
from typing import Any

from dash import dcc, html

from dashboards.page.figures import CONFIG, figure, panels
from dashboards.page.tables import table
from dashboards.page.words import heading, summary, value_text
from dashboards.spec import Chart

Rows = list[tuple[Any, ...]]
_CODE = re.compile(r"`([^`]+)`")


def prose(text: str) -> list[Any]:
    """Return text with its `commands` set as code."""
    return [html.Code(part) if number % 2 else part for number, part in enumerate(_CODE.split(text))]


def drawing(chart: Chart, rows: Rows) -> list[Any]:
    """Return what stands in the place of the drawing."""
    if not rows:
        return [html.P(prose(chart.empty), className="empty")]
    if chart.chart == "scalar":
        return _scalar(chart, rows[0])
    if chart.chart == "table":
        return []
    return [
        _panel(chart, name, part, number, across=len(found))
        for found in [panels(chart, rows)]
        for number, (name, part) in enumerate(found)
    ]


def nothing_yet(problem: str = "") -> list[Any]:
    """Return what stands there as long as there has been no answer at all."""
    text = problem or "Nothing to show yet; it comes as soon as the database answers."
    return [html.P(text, className="empty")]


def data_table(chart: Chart, rows: Rows) -> list[Any]:
    """Return the table beside the drawing; none where the drawing is the number itself."""
    return [table(chart, rows)] if rows and chart.chart != "scalar" else []


def _panel(chart: Chart, name: str, rows: Rows, number: int, across: int) -> html.Div:
    drawn = dcc.Graph(figure=figure(chart, rows, number, name), config=CONFIG, className="plot")
    words: dict[str, Any] = {"role": "img", "aria-label": summary(chart, rows, name)}
    described = html.Div(drawn, className="plot-box", **words)
    title = [html.H3(name, className="panel-title")] if name else []
    return html.Div([*title, described], className="panel" if across > 1 else "panel alone")


def _scalar(chart: Chart, row: tuple[Any, ...]) -> list[Any]:
    (measure,) = chart.of_role("measure")
    values = dict(zip(chart.columns, row, strict=True))
    details = [
        html.Div([html.Dt(heading(column)), html.Dd(value_text(values[column], column))])
        for column in chart.of_role("detail")
    ]
    return [
        html.P(
            [value_text(values[measure], measure), html.Span(f" {measure.unit}", className="unit")],
            className="figure",
        ),
        html.Dl(details, className="details"),
    ]
