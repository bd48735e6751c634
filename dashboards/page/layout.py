"""The page around the charts: headings, controls, and a card for each chart on the spec's grid."""

from html import escape
from pathlib import Path
from typing import Any

from dash import dcc, html

from dashboards.page import period
from dashboards.spec import Chart, Dashboard

_CURRENT = ' aria-current="page"'
_INDEX = Path(__file__).with_name("index.html")


def index(dashboards: tuple[Dashboard, ...], shown: Dashboard) -> str:
    """Return the document that Dash fills; what is in it works before, and without, Dash."""
    links = "\n".join(
        f'<li><a href="/{each.key}/"{_CURRENT if each is shown else ""}>{escape(each.title)}</a></li>'
        for each in dashboards
    )
    return _INDEX.read_text(encoding="utf-8").replace("[[links]]", links).replace("[[key]]", shown.key)


def uses_period(chart: Chart) -> bool:
    """Say whether the chart's query depends on the chosen days."""
    return "curated.first_day()" in chart.sql or "curated.last_day()" in chart.sql


def page(dashboard: Dashboard) -> html.Main:
    """Return the layout of one dashboard."""
    controls = [_period()] if any(uses_period(chart) for chart in dashboard.charts) else []
    return html.Main(
        [
            html.Div(
                [html.H1(dashboard.title), html.P(dashboard.description, className="description")],
                className="intro",
            ),
            html.Div([*controls, _live()], className="controls"),
            html.P(id="banner", role="status", className="banner", hidden=True),
            html.Div([_card(chart) for chart in dashboard.charts], className="cards"),
            dcc.Store(id="period", data={"choice": str(period.DEFAULT)}),
            dcc.Store(id="pace", data=[chart.refresh_s for chart in dashboard.charts]),
        ],
        id="main",
        tabIndex="-1",
    )


def _period() -> html.Div:
    options = {str(days): label for days, label in period.PRESETS.items()} | {"custom": "Other days"}
    # Dash's own radio buttons call themselves options of a list, which a screen reader can't make sense of.
    choices = [
        html.Button(label, id={"type": "choice", "days": days}, type="button", **_pressed(days))
        for days, label in options.items()
    ]
    days = [
        html.Div(
            [html.Label(label, htmlFor=name), dcc.Input(id=name, type="date", debounce=True)],  # type: ignore[arg-type]
            className="day",
        )
        for name, label in (("first-day", "First day (UTC)"), ("last-day", "Last day (UTC)"))
    ]
    return html.Div(
        [
            html.Div(
                [
                    html.P("Period, until today (UTC)", id="choices-label"),
                    html.Div(choices, className="choices"),
                ],
                role="group",
                **{"aria-labelledby": "choices-label"},  # type: ignore[arg-type]
            ),
            dcc.Store(id="choice", data=str(period.DEFAULT)),
            html.Div(days, id="days", className="days", hidden=True),
            html.P(id="period-problem", role="alert", className="problem"),
        ],
        className="period",
    )


def _pressed(days: str) -> Any:
    return {"aria-pressed": "true" if days == str(period.DEFAULT) else "false"}


def _live() -> html.Div:
    return html.Div(
        [
            html.Button("Pause updates", id="pause", type="button"),
            html.P("Live: charts update by themselves.", id="live", role="status"),
        ],
        className="live",
    )


def _card(chart: Chart) -> html.Section:
    title, at = f"{chart.key}-title", chart.position
    place: dict[str, Any] = {
        "--col": at.col + 1,
        "--wide": at.size_x,
        "--row": at.row + 1,
        "--high": at.size_y,
    }
    region: dict[str, Any] = {"role": "region", "aria-label": f"Table: {chart.title}"}
    return html.Section(
        [
            html.H2(chart.title, id=title),
            html.P(chart.question, className="question"),
            html.Div(
                [
                    html.Div(
                        html.P("Loading …", className="empty"), id=f"{chart.key}-drawing", className="drawing"
                    ),
                    html.Div(id=f"{chart.key}-table", className="table", tabIndex=0, **region),
                ],
                className="answer",
            ),
            html.P(["Updated ", html.Time("never", id=f"{chart.key}-updated")], className="updated"),
            dcc.Interval(id={"type": "tick", "chart": chart.key}, interval=chart.refresh_s * 1000),
            dcc.Store(id={"type": "due", "chart": chart.key}),
            dcc.Store(id=f"{chart.key}-seen"),
            dcc.Store(id={"type": "problem", "chart": chart.key}, data=""),
        ],
        id=chart.key,
        className=f"card kind-{chart.chart} {'wide' if at.size_x > 12 else 'narrow'}",
        style=place,
        **{"aria-labelledby": title},  # type: ignore[arg-type]
    )
