"""A chart's rows as a Plotly figure: plain dictionaries, which cost a tenth of Plotly's own objects.

Colours of text, axes and grid come from the style sheet, so that a change of theme needs no new figure; the
colours here keep a contrast of 3:1 on both backgrounds, and of 4.5:1 to the white figures inside bars (WCAG
2.2, 1.4.11 and 1.4.3; axe does not judge what is drawn).
"""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from dashboards.page.words import heading
from dashboards.spec import Chart, Column

Rows = list[tuple[Any, ...]]
Figure = dict[str, Any]

COLOURS = ("#2a74c9", "#b85c0a", "#188264", "#9e53cd", "#c23d6b", "#7a7a2a")
CONFIG: Any = {"displayModeBar": False, "responsive": True, "scrollZoom": False, "doubleClick": False}
_FONT = {"family": "system-ui, sans-serif", "size": 13}


def figure(chart: Chart, rows: Rows, colour: int = 0, unit: str = "") -> Figure:
    """Return the figure of a chart that has a dimension; `unit` stands in for a column's unit."""
    return _DRAWN[chart.chart](chart, rows, colour, unit)


def panels(chart: Chart, rows: Rows) -> list[tuple[str, Rows]]:
    """Return the rows of each panel, by its value; one without a name where there are none."""
    column = next(iter(chart.of_role("panel")), None)
    if column is None:
        return [("", rows)]
    at = chart.columns.index(column)
    names = dict.fromkeys(row[at] for row in rows)
    return [(str(name), [row for row in rows if row[at] == name]) for name in names]


def _traces(chart: Chart, rows: Rows, colour: int) -> list[tuple[str, list[Any], list[Any], str]]:
    """Return name, places, values and colour of each line or set of bars."""
    series = next(iter(chart.of_role("series")), None)
    (dimension,) = chart.of_role("dimension")
    x = chart.columns.index(dimension)
    if series is None:
        measures = chart.of_role("measure")
        return [
            (
                measure.label,
                _column(rows, x),
                _column(rows, chart.columns.index(measure)),
                _colour(colour + number),
            )
            for number, measure in enumerate(measures)
        ]
    at, y = chart.columns.index(series), chart.columns.index(chart.of_role("measure")[0])
    groups = {
        name: [row for row in rows if row[at] == name] for name in dict.fromkeys(row[at] for row in rows)
    }
    return [
        (str(name), _column(group, x), _column(group, y), _colour(number))
        for number, (name, group) in enumerate(groups.items())
    ]


def _column(rows: Rows, at: int) -> list[Any]:
    return [_plain(row[at]) for row in rows]


def _plain(value: Any) -> Any:
    # Without an offset: Plotly would show the reader's own time zone.
    if isinstance(value, datetime):
        return value.replace(tzinfo=None).isoformat(sep=" ")
    if isinstance(value, date):
        return value.isoformat()
    return value if value is None or isinstance(value, int | str) else float(value)


def _colour(number: int) -> str:
    return COLOURS[number % len(COLOURS)]


def _line(chart: Chart, rows: Rows, colour: int, unit: str) -> Figure:
    traces = [
        {
            "type": "scatter",
            # A value between two gaps has no line to be seen by.
            "mode": "lines+markers",
            "name": name,
            "x": x,
            "y": y,
            "line": {"color": shade, "width": 2.5},
            "marker": {"color": shade, "size": 5 if len(x) < 100 else 2},
            "fill": "tozeroy",
            "fillcolor": f"{shade}22",
            "hovertemplate": _hover("%{x|" + _moment(chart) + "}", "%{y:,}", _unit(chart, unit)),
        }
        for name, x, y, shade in _traces(chart, rows, colour)
    ]
    return {"data": traces, "layout": _layout(_time_axis(chart), _value_axis(chart, unit, rows), len(traces))}


def _bar(chart: Chart, rows: Rows, colour: int, unit: str) -> Figure:
    (dimension,) = chart.of_role("dimension")
    x_text = "%{x}" if dimension.type == "text" else "%{x|" + _moment(chart) + "}"
    traces = [
        {
            "type": "bar",
            "name": name,
            "x": x,
            "y": y,
            "marker": {"color": shade, "cornerradius": 2},
            "hovertemplate": _hover(x_text, "%{y:,}", _unit(chart, unit)),
        }
        for name, x, y, shade in _traces(chart, rows, colour)
    ]
    return {
        "data": traces,
        "layout": _layout(_time_axis(chart), _value_axis(chart, unit, rows), len(traces)) | {"bargap": 0.2},
    }


def _row(chart: Chart, rows: Rows, colour: int, unit: str) -> Figure:
    traces = [
        {
            "type": "bar",
            "orientation": "h",
            "name": name,
            "y": places,
            "x": values,
            "marker": {"color": shade, "cornerradius": 3},
            "text": [f"{value:,}" if value is not None else "" for value in values],
            "textposition": "auto",
            "insidetextfont": {"color": "#ffffff"},
            "cliponaxis": False,
            "hovertemplate": _hover("%{y}", "%{x:,}", _unit(chart, unit)),
        }
        for name, places, values, shade in _traces(chart, rows, colour)
    ]
    # The first row is the first to be read.
    names = {
        "autorange": "reversed",
        "type": "category",
        "automargin": True,
        "ticklabelstandoff": 6,
        "fixedrange": True,
    }
    return {
        "data": traces,
        "layout": _layout(_value_axis(chart, unit, rows), names, len(traces)) | {"bargap": 0.25},
    }


def _hover(place: str, value: str, unit: str) -> str:
    return f"{place}<br><b>{value}{' ' + unit if unit else ''}</b><extra></extra>"


def _unit(chart: Chart, unit: str) -> str:
    return unit or chart.of_role("measure")[0].unit


def _moment(chart: Chart) -> str:
    return "%H:%M UTC" if chart.of_role("dimension")[0].type == "timestamp" else "%a %-d %b %Y (UTC)"


def _time_axis(chart: Chart) -> Figure:
    (dimension,) = chart.of_role("dimension")
    kind = "category" if dimension.type == "text" else "date"
    return {
        "type": kind,
        "title": _title(dimension.label),
        "showgrid": False,
        "fixedrange": True,
        "automargin": True,
        "nticks": 8,
        "ticklabelstandoff": 6,
        # Of days Plotly names the year where it changes.
        "tickformat": "%H:%M" if dimension.type == "timestamp" else None,
        "tickangle": 0,
    }


def _value_axis(chart: Chart, unit: str, rows: Rows) -> Figure:
    measure: Column = chart.of_role("measure")[0]
    at = chart.columns.index(measure)
    # Few of what is counted would be marked in halves.
    few = measure.type == "integer" and all((row[at] or 0) < 6 for row in rows)
    return {
        **({"dtick": 1} if few else {}),
        "title": _title(unit or _axis_title(measure)),
        "ticklabelstandoff": 4,
        "rangemode": "tozero",
        "tickformat": ",~r" if measure.type == "decimal" else ",d",
        "nticks": 5,
        "zeroline": False,
        "fixedrange": True,
        "automargin": True,
    }


def _axis_title(measure: Column) -> str:
    # "orders" says what is counted; "s" alone would not say what takes so long.
    return measure.unit if len(measure.unit) > 2 else heading(measure)


def _title(text: str) -> Figure:
    return {"text": text, "standoff": 8, "font": {"size": 12}}


def _layout(x: Figure, y: Figure, traces: int) -> Figure:
    return {
        "xaxis": x,
        "yaxis": y,
        "font": _FONT,
        "margin": {"l": 8, "r": 16, "t": 8, "b": 8},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "showlegend": traces > 1,
        "legend": {"orientation": "h", "y": 1.12},
        "dragmode": False,
        "separators": ".,",
        # What a reader hides in the legend stays hidden when new rows come.
        "uirevision": "same",
        "hoverlabel": {"bgcolor": "#1c2430", "bordercolor": "#1c2430", "font": {"color": "#ffffff"}},
    }


_DRAWN: dict[str, Callable[[Chart, Rows, int, str], Figure]] = {"line": _line, "bar": _bar, "row": _row}
