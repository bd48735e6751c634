"""One Dash application per dashboard on one server; each chart refreshes by itself, at its own pace."""

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import flask
from dash import ALL, MATCH, ClientsideFunction, Dash, Input, Output, State, no_update

from dashboards.page.cards import data_table, drawing, nothing_yet
from dashboards.page.guard import guard
from dashboards.page.layout import index, page, uses_period
from dashboards.page.period import Period, PeriodError, parse
from dashboards.page.warehouse import Away, Broken, Warehouse
from dashboards.spec import Chart, Dashboard

_ASSETS = str(Path(__file__).with_name("assets"))
_RETRY_S = 3
_AWAY = (
    "The database does not answer, so these figures may be old ({problem})."
    " Trying again every {seconds} s; if it is not running, start it with: ecom up"
)

_BROKEN = "The chart “{title}” can't be brought up to date: {problem}."


def make_server(dashboards: tuple[Dashboard, ...], warehouse: Warehouse) -> flask.Flask:
    """Return the WSGI application that serves every dashboard at /<key>/, the first one at /."""
    server = flask.Flask("dashboards", static_folder=None)
    apps = [_application(server, dashboards, shown, warehouse) for shown in dashboards]
    guard(server, [digest for app in apps for digest in app.csp_hashes()])

    @server.get("/")
    def first() -> Any:
        return flask.redirect(f"/{dashboards[0].key}/")

    @server.get("/health")
    def health() -> str:
        return "ok"

    return server


def _application(
    server: flask.Flask, dashboards: tuple[Dashboard, ...], shown: Dashboard, warehouse: Warehouse
) -> Dash:
    app = Dash(
        f"dashboards.{shown.key}",
        server=server,  # type: ignore[arg-type]
        url_base_pathname=f"/{shown.key}/",
        assets_folder=_ASSETS,
        assets_ignore="before.js",  # the document's head has it
        serve_locally=True,
        title=f"{shown.title} – ecom",
        update_title="",
    )
    app.index_string = index(dashboards, shown)
    app.layout = page(shown)
    for chart in shown.charts:
        _refresh(app, chart, warehouse)
    _controls(app, shown)
    return app


def _refresh(app: Dash, chart: Chart, warehouse: Warehouse) -> None:
    @app.callback(
        Output(f"{chart.key}-drawing", "children"),
        Output(f"{chart.key}-table", "children"),
        Output(f"{chart.key}-updated", "children"),
        Output(f"{chart.key}-seen", "data"),
        Output({"type": "problem", "chart": chart.key}, "data"),
        Input({"type": "due", "chart": chart.key}, "data"),
        Input("period", "data"),
        State(f"{chart.key}-seen", "data"),
    )
    def refresh(_due: int | None, chosen: dict[str, str], seen: str | None) -> tuple[Any, ...]:
        found = warehouse.rows(chart, _period(chosen))
        if isinstance(found, Away):
            problem = _AWAY.format(problem=found.problem, seconds=min(chart.refresh_s, _RETRY_S))
            return no_update if seen else nothing_yet(), no_update, no_update, no_update, problem
        if isinstance(found, Broken):
            problem = _BROKEN.format(title=chart.title, problem=found.problem)
            return no_update if seen else nothing_yet(problem), no_update, no_update, no_update, problem
        now, digest = f"{datetime.now(UTC):%H:%M:%S} UTC", _digest(found)
        if digest == seen:  # what did not change is not drawn again
            return no_update, no_update, now, no_update, ""
        return drawing(chart, found), data_table(chart, found), now, digest, ""


def _digest(rows: list[tuple[Any, ...]]) -> str:
    return hashlib.blake2b(repr(rows).encode(), digest_size=8).hexdigest()


def _period(chosen: dict[str, str]) -> Period:
    return parse(chosen.get("choice"), chosen.get("first"), chosen.get("last"))


def _controls(app: Dash, shown: Dashboard) -> None:
    ticks = {"type": "tick", "chart": ALL}
    # Not while the last question is open: Dash drops an answer that comes after the next one was asked, so
    # that a slow server would never be heard.
    _in_browser(
        app,
        ClientsideFunction("page", "due"),
        Output({"type": "due", "chart": MATCH}, "data"),
        Input({"type": "tick", "chart": MATCH}, "n_intervals"),
        State({"type": "tick", "chart": MATCH}, "id"),
        prevent_initial_call=True,
    )
    _in_browser(
        app,
        ClientsideFunction("page", "pause"),
        Output(ticks, "disabled"),
        Output("pause", "children"),
        Output("live", "children"),
        Input("pause", "n_clicks"),
        State(ticks, "id"),
        prevent_initial_call=True,
    )
    _in_browser(
        app,
        ClientsideFunction("page", "banner"),
        Output("banner", "children"),
        Output("banner", "hidden"),
        Output(ticks, "interval"),
        Input({"type": "problem", "chart": ALL}, "data"),
        State("pace", "data"),
    )
    if any(uses_period(chart) for chart in shown.charts):
        _period_controls(app)


def _in_browser(app: Dash, function: ClientsideFunction, *wired: Any, **options: bool) -> None:
    app.clientside_callback(function, *wired, **options)  # type: ignore[no-untyped-call]


def _period_controls(app: Dash) -> None:
    choices = {"type": "choice", "days": ALL}
    _in_browser(
        app,
        ClientsideFunction("page", "choose"),
        Output("choice", "data"),
        Output(choices, "aria-pressed"),
        Output("days", "hidden"),
        Input(choices, "n_clicks"),
        State(choices, "id"),
        prevent_initial_call=True,
    )

    @app.callback(
        Output("period", "data"),
        Output("period-problem", "children"),
        Input("choice", "data"),
        Input("first-day", "value"),
        Input("last-day", "value"),
        prevent_initial_call=True,
    )
    def choose(choice: str, first: str | None, last: str | None) -> tuple[Any, str]:
        chosen = {"choice": choice, "first": first, "last": last}
        if choice == "custom" and not (first and last):
            return no_update, ""  # there is nothing to complain about yet
        try:
            parse(choice, first, last)
        except PeriodError as error:
            return no_update, f"{str(error)[0].upper()}{str(error)[1:]}."
        return chosen, ""
