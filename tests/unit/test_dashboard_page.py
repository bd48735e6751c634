"""The page's parts without a browser: days, words, figures, tables, and who gets an answer."""

import json
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from dashboards.page import app
from dashboards.page.app import make_server
from dashboards.page.cards import drawing, prose
from dashboards.page.figures import COLOURS, figure, panels
from dashboards.page.period import Period, PeriodError, parse
from dashboards.page.tables import table
from dashboards.page.warehouse import Away, Broken
from dashboards.page.words import summary, value_text
from dashboards.spec import Chart, Column
from dashboards.spec_files import load

CHARTS = {chart.key: chart for dashboard in load() for chart in dashboard.charts}
REVENUE = [
    (date(2026, 2, 1), "EUR", Decimal("1234.50")),
    (date(2026, 2, 1), "USD", Decimal("0")),
    (date(2026, 2, 2), "EUR", Decimal("20.00")),
    (date(2026, 2, 2), "USD", Decimal("7.00")),
]
MINUTES = [(datetime(2026, 2, 3, 4, minute, tzinfo=UTC), minute) for minute in range(3)]


class Rows:
    """A warehouse that has one answer."""

    def __init__(self, found: Any) -> None:
        self.found = found

    def rows(self, chart: Chart, period: Period) -> Any:
        return self.found


def client() -> Any:
    return make_server(load(), Rows(Away("gone"))).test_client()  # type: ignore[arg-type]


def plain(parts: list[Any]) -> list[str]:
    return [getattr(part, "children", part) for part in parts]


def texts(component: Any) -> list[list[str]]:
    return [[cell.children for cell in row.children] for row in component.children[2].children]


@pytest.mark.parametrize("days", [7, 30, 90, 365])
def test_presets_follow_today(days: int):
    assert parse(str(days), "2026-01-01", None).settings == ("", "", days)


def test_other_days_are_both_given():
    assert parse("custom", "2026-01-01", "2026-01-01").settings == ("2026-01-01", "2026-01-01", 30)


@pytest.mark.parametrize(
    ("choice", "first", "last", "told"),
    [
        ("8", None, None, "choose one of 7 days, 30 days, 90 days, 1 year, or two dates"),
        ("all", None, None, "choose one of"),
        ("custom", None, "2026-01-01", "give the first day"),
        ("custom", "2026-01-01", "'; DROP", "give the last day"),
        ("custom", "2026-01-02", "2026-01-01", "the first day, 2026-01-02, comes after the last, 2026-01-01"),
        ("custom", "2026-01-01", "2036-01-01", "choose at most 1,100 days"),
        ("custom", "0001-01-01", "0001-01-02", "between 1970 and 2200"),
    ],
)
def test_other_choices_are_refused(choice: str, first: str | None, last: str | None, told: str):
    with pytest.raises(PeriodError, match=told):
        parse(choice, first, last)


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (1234567, "integer", "1,234,567"),
        (Decimal("1234.50"), "decimal", "1,234.50"),
        (None, "integer", "–"),
        (date(2026, 2, 3), "date", "2026-02-03"),
        (datetime(2026, 2, 3, 4, 5, tzinfo=UTC), "timestamp", "2026-02-03 04:05"),
        (datetime(2026, 2, 3, 4, 5, 6, 789, tzinfo=UTC), "timestamp", "2026-02-03 04:05:06"),
    ],
)
def test_values_in_words(value: Any, kind: Any, text: str):
    assert value_text(value, Column(name="x", role="detail", type=kind, label="X")) == text


def test_each_currency_has_a_panel_of_its_own():
    found = panels(CHARTS["daily_revenue"], REVENUE)
    assert [name for name, _ in found] == ["EUR", "USD"]
    drawn = figure(CHARTS["daily_revenue"], found[0][1], unit="EUR")
    assert (drawn["data"][0]["x"], drawn["data"][0]["y"]) == (["2026-02-01", "2026-02-02"], [1234.5, 20.0])
    assert drawn["layout"]["yaxis"]["title"]["text"] == "EUR"
    assert drawn["layout"]["xaxis"]["title"]["text"] == "Day (UTC)"


def test_a_table_has_a_column_for_each_currency_and_the_newest_day_first():
    shown = table(CHARTS["daily_revenue"], REVENUE)
    assert [cell.children for cell in shown.children[1].children.children] == ["Day (UTC)", "EUR", "USD"]
    assert texts(shown) == [["2026-02-02", "20.00", "7.00"], ["2026-02-01", "1,234.50", "0"]]


def test_a_drawing_is_told_to_who_cannot_see_it():
    told = summary(CHARTS["order_inflow"], MINUTES)
    assert told == (
        "New orders per minute: 3 values of new orders by minute (utc), from 2026-02-03 04:00 to"
        " 2026-02-03 04:02, newest 2 orders, highest 2 orders (2026-02-03 04:02). The table holds all values."
    )


def test_few_are_not_counted_in_halves():
    assert figure(CHARTS["order_inflow"], MINUTES)["layout"]["yaxis"]["dtick"] == 1
    assert "dtick" not in figure(CHARTS["order_inflow"], [*MINUTES, (MINUTES[0][0], 6)])["layout"]["yaxis"]


def test_times_are_drawn_in_utc_whatever_the_readers_zone():
    assert figure(CHARTS["order_inflow"], MINUTES)["data"][0]["x"][1] == "2026-02-03 04:01:00"


@pytest.mark.parametrize("chart", CHARTS.values(), ids=CHARTS)
def test_no_rows_say_what_to_do(chart: Chart):
    (told,) = drawing(chart, [])
    assert plain(told.children) == plain(prose(chart.empty))


def test_commands_are_set_as_code():
    assert plain(prose("Run `ecom up` now.")) == [
        "Run ",
        "ecom up",
        " now.",
    ]


def test_the_first_dashboard_is_at_the_root():
    answer = client().get("/", headers={"Host": "127.0.0.1:8050"})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/sales/")


@pytest.mark.parametrize("host", ["127.0.0.1:8050", "localhost:1234", "localhost"])
def test_this_machine_gets_answers(host: str):
    assert client().get("/health", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:8050", "10.0.0.1:8050"])
def test_other_host_names_get_none(host: str):
    answer = client().get("/sales/", headers={"Host": host})
    assert (answer.status_code, answer.text) == (421, "this page is served as 127.0.0.1 and localhost only\n")


def test_the_document_names_nothing_elsewhere():
    text = client().get("/sales/", headers={"Host": "localhost"}).text
    assert "http://" not in text
    assert "https://" not in text
    assert '<html lang="en">' in text
    assert '<a href="/sales/" aria-current="page">' in text


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours, as WCAG 2.2 defines it."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("colour", COLOURS)
def test_what_is_drawn_can_be_seen(colour: str):
    style = (Path(app.__file__).parent / "assets" / "style.css").read_text()
    cards = re.findall(r"--card: (#[0-9a-f]{6})", style)
    assert len(set(cards)) == 2
    assert all(contrast(colour, card) >= 3 for card in cards)
    assert contrast(colour, "#ffffff") >= 4.5


def test_a_chart_that_is_wrong_says_so_in_its_place_and_above():
    server = make_server(load(), Rows(Broken("its query fails: no")))  # type: ignore[arg-type]
    problem = '{"chart":"order_inflow","type":"problem"}'
    places = [(f"order_inflow-{name}", "children") for name in ("drawing", "table", "updated")]
    places += [("order_inflow-seen", "data"), (problem, "data")]
    due = {"id": {"type": "due", "chart": "order_inflow"}, "property": "data", "value": 1}
    asked = {
        "output": f"..{'...'.join('.'.join(place) for place in places)}..",
        "outputs": [
            {"id": json.loads(name) if name == problem else name, "property": prop} for name, prop in places
        ],
        "changedPropIds": ['{"chart":"order_inflow","type":"due"}.data'],
        "inputs": [due, {"id": "period", "property": "data", "value": {"choice": "30"}}],
        "state": [{"id": "order_inflow-seen", "property": "data", "value": None}],
    }
    host = {"Host": "127.0.0.1:8050"}
    answer = server.test_client().post("/sales/_dash-update-component", json=asked, headers=host)
    assert answer.status_code == 200, answer.text
    told = answer.get_json()["response"]
    assert "its query fails: no." in told[problem]["data"]
    assert "its query fails: no." in str(told["order_inflow-drawing"]["children"])
