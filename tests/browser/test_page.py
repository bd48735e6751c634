"""The dashboards in a real browser: what they show, that they live, and that everyone can use them.

In one file, so that its tests share one database; the one that stops it comes last.
"""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import axe_playwright_python
import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from tests.browser.conftest import Stack
from tests.integration.commits import commit, valid
from tests.integration.samples import event

Open = Callable[..., Page]
AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js").read_text(encoding="utf-8")
SALES = ("New orders per minute", "Daily revenue by currency", "Top-selling products",
         "Orders per customer segment")  # fmt: skip
_numbers = count(1000)
# Many tests at once on few cores; what has to be quick says so itself.
expect.set_options(timeout=20_000)


@pytest.fixture
def open_page(stack: Stack, browser: Browser) -> Iterator[Open]:
    """Opens pages; at the end none of them has asked anybody but this machine for anything."""
    opened: list[Page] = []
    asked: list[str] = []

    def open_one(path: str = "/", **options: Any) -> Page:
        # The policy also forbids a test's own scripts; that it lets the page's through is a test of its own.
        page = browser.new_context(**{"bypass_csp": True, **options}).new_page()
        page.set_default_timeout(20_000)
        page.on("request", lambda request: asked.append(request.url))
        page.goto(stack.url + path)
        expect(page.locator("main")).to_be_visible()
        opened.append(page)
        expect(page.get_by_text("Loading …")).to_have_count(0)
        return page

    yield open_one
    for page in opened:
        page.context.close()
    assert [url for url in asked if not url.startswith((stack.url, "data:"))] == []


def order(stack: Stack, **changes: Any) -> None:
    """Commit a new order, as the stream does."""
    number = next(_numbers)
    known = stack.rows("SELECT coalesce(max(next_offset), 0) FROM ops.stream_offsets")[0][0]
    now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    commit(stack.postgres, [valid(event(number, ordered_at=now, event_time=now, **changes))], known)


def card(page: Page, title: str) -> Locator:
    return page.get_by_role("region", name=title, exact=True)


def cells(page: Page, title: str) -> list[list[str]]:
    """Return the table beside a chart, its heading first."""
    table = card(page, title).get_by_role("table")
    expect(table).to_be_visible()
    return [[*row.split("\t")] for row in table.inner_text().splitlines() if "\t" in row]


def inflow(page: Page) -> int:
    return sum(int(row[1].replace(",", "")) for row in cells(page, SALES[0])[1:])


def test_each_chart_has_data_a_name_and_a_table(stack: Stack, open_page: Open):
    order(stack)
    page = open_page()
    assert page.title() == "Orders and revenue – ecom"
    assert page.locator("html").get_attribute("lang") == "en"
    for title in SALES:
        drawings = card(page, title).get_by_role("img")
        described = re.compile(rf"^{re.escape(title)}.*The table holds all values\.$")
        expect(drawings.first).to_have_accessible_name(described)
        expect(drawings.first.locator(".main-svg").first).to_be_visible()
        assert drawings.first.locator(".trace path, .point path").count() > 0
        table = card(page, title).get_by_role("table")
        expect(table).to_have_accessible_name(f"Data: {title}")
        assert table.get_by_role("columnheader").count() >= 2
        assert table.get_by_role("rowheader").count() >= 3
    assert card(page, SALES[1]).locator(".plot-box").count() == len(cells(page, SALES[1])[0]) - 1


BY_RAW = """
SELECT (ordered_at AT TIME ZONE 'UTC')::date::text, currency, sum(quantity * unit_price)
FROM (
    SELECT DISTINCT ON (order_id) * FROM raw.orders ORDER BY order_id, order_version DESC, event_id DESC
) AS won
WHERE status <> 'cancelled'
GROUP BY 1, 2
"""


def test_the_figures_are_what_raw_says(stack: Stack, open_page: Open):
    order(stack, status="cancelled", event_type="cancelled", unit_price="77777.77")
    order(stack, currency="CHF")
    head, *rows = cells(open_page(), SALES[1])
    first = f"{datetime.now(UTC) - timedelta(days=29):%Y-%m-%d}"
    expected = {
        (day, currency): f"{revenue:,}" for day, currency, revenue in stack.rows(BY_RAW) if day >= first
    }
    shown = {
        (day, currency): text
        for day, *values in rows
        for currency, text in zip(head[1:], values, strict=True)
        if text != "0"
    }
    assert shown == expected
    assert len(rows) == 30


def test_a_new_order_appears_within_five_seconds_without_a_reload(stack: Stack, open_page: Open):
    order(stack)
    page = open_page()
    page.evaluate("() => { window.sameDocument = true }")
    before = inflow(page)
    order(stack)
    page.wait_for_function(
        "before => [...document.querySelectorAll('#order_inflow td')]"
        ".reduce((sum, cell) => sum + Number(cell.innerText.replaceAll(',', '')), 0) > before",
        arg=before,
        timeout=5_000,
    )
    assert page.evaluate("() => window.sameDocument")
    assert inflow(page) == before + 1


def test_pause_stops_all_questions_and_resume_goes_on(stack: Stack, open_page: Open):
    order(stack)
    page = open_page()
    page.get_by_role("button", name="Pause updates").click()
    expect(page.get_by_role("status").filter(has_text="Paused: figures stay as they are.")).to_be_visible()
    page.wait_for_load_state("networkidle")
    before = inflow(page)
    order(stack)
    with pytest.raises(PlaywrightTimeout):
        page.wait_for_event("request", timeout=5_000)
    assert inflow(page) == before
    page.get_by_role("button", name="Resume updates").click()
    expect(page.get_by_role("status").filter(has_text="Live")).to_be_visible()
    with page.expect_response(lambda answer: "_dash-update-component" in answer.url):
        pass
    page.wait_for_load_state("networkidle")
    assert inflow(page) == before + 1


def focused(page: Page) -> str:
    return str(page.evaluate("() => document.activeElement.innerText || document.activeElement.value || ''"))


def test_the_keyboard_alone_is_enough(stack: Stack, open_page: Open):
    order(stack)
    page = open_page()
    page.keyboard.press("Tab")
    assert focused(page) == "Skip to the charts"
    page.keyboard.press("Enter")
    assert page.evaluate("() => document.activeElement.id") == "main"
    page.keyboard.press("Tab")
    assert focused(page) == "7 days"
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="7 days", pressed=True)).to_be_focused()
    expect(card(page, SALES[1]).get_by_role("rowheader")).to_have_count(7)
    for _ in ("30 days", "90 days", "1 year", "Other days", "Pause updates"):
        page.keyboard.press("Tab")
    assert focused(page) == "Pause updates"
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Resume updates")).to_be_focused()
    regions = []
    for _ in SALES:
        page.keyboard.press("Tab")
        regions.append(page.evaluate("() => document.activeElement.getAttribute('aria-label')"))
    assert regions == [f"Table: {title}" for title in SALES]


def test_focus_can_be_seen_wherever_it_is(open_page: Open):
    page = open_page()
    seen = set()
    for _ in range(16):
        page.keyboard.press("Tab")
        what = page.evaluate(
            "() => { const at = document.activeElement, style = getComputedStyle(at);"
            " return [at.tagName + at.id + at.innerText, style.outlineStyle,"
            " parseFloat(style.outlineWidth)] }"
        )
        if what[0].startswith("BODY"):
            break
        seen.add(what[0])
        assert what[1] != "none", what
        assert what[2] >= 2, what
    assert len(seen) >= 13


def test_other_days(stack: Stack, open_page: Open):
    page = open_page()
    page.get_by_role("button", name="Other days").click()
    first, last = page.get_by_label("First day (UTC)"), page.get_by_label("Last day (UTC)")
    day = datetime.now(UTC).date() - timedelta(days=20)
    first.fill(day.isoformat())
    last.fill((day - timedelta(days=1)).isoformat())
    last.blur()
    expect(page.get_by_role("alert")).to_contain_text("comes after the last")
    last.fill((day + timedelta(days=2)).isoformat())
    last.blur()
    expect(page.get_by_role("alert")).to_be_empty()
    expect(card(page, SALES[1]).get_by_role("rowheader")).to_have_text(
        [(day + timedelta(days=number)).isoformat() for number in (2, 1, 0)]
    )


def test_an_empty_period_says_what_to_do(open_page: Open):
    page = open_page()
    page.get_by_role("button", name="Other days").click()
    for label in ("First day (UTC)", "Last day (UTC)"):
        page.get_by_label(label).fill("2001-02-03")
        page.get_by_label(label).blur()
    for title in SALES[1:]:
        expect(card(page, title)).to_contain_text("Choose another one, or fill the shop with ecom seed.")
        expect(card(page, title).get_by_role("table")).to_have_count(0)


@pytest.mark.parametrize("path", ["/sales/", "/pipeline/"])
@pytest.mark.parametrize(("width", "theme"), [(1280, "light"), (1280, "dark"), (360, "light"), (360, "dark")])
def test_axe_finds_nothing(stack: Stack, open_page: Open, path: str, width: int, theme: str):
    order(stack)
    page = open_page(path, viewport={"width": width, "height": 800}, color_scheme=theme)
    assert page.locator("html").get_attribute("data-theme") == theme
    page.evaluate(AXE)
    found = page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")
    told = [
        f"{each['id']}: {node['html'][:120]} {node['failureSummary']}"
        for each in found["violations"]
        for node in each["nodes"]
    ]
    assert told == []


@pytest.mark.parametrize("path", ["/sales/", "/pipeline/"])
def test_a_phone_needs_no_sideways_scrolling(open_page: Open, path: str):
    page = open_page(path, viewport={"width": 360, "height": 740})
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 360


def test_the_theme_can_be_chosen_and_is_kept(open_page: Open):
    page = open_page(color_scheme="light")
    button = page.get_by_role("button", name="Dark theme")
    expect(button).to_have_attribute("aria-pressed", "false")
    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


@pytest.mark.parametrize("path", ["/sales/", "/pipeline/"])
def test_the_page_keeps_within_its_own_policy(stack: Stack, browser: Browser, path: str):
    page = browser.new_context().new_page()
    told: list[str] = []
    page.on("console", lambda message: told.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: told.append(str(error)))
    answer = page.goto(stack.url + path)
    expect(page.get_by_text("Updated").first).to_be_visible()
    expect(page.get_by_text("Loading …")).to_have_count(0)
    page.context.close()
    assert told == []
    assert answer is not None
    assert "default-src 'self'" in answer.headers["content-security-policy"]


def test_health_counts_what_ops_knows(stack: Stack, open_page: Open):
    order(stack)
    page = open_page("/pipeline/")
    expect(card(page, "Time since the last commit")).to_contain_text("Last commit (UTC)")
    expect(card(page, "Events waiting in Kafka")).to_contain_text("has not told yet")
    expect(card(page, "The stream by Kafka partition").get_by_role("rowheader")).to_have_text(["orders/0"])


def test_postgresql_stopped_and_started_again(stack: Stack, open_page: Open):
    order(stack)
    page = open_page()
    before = inflow(page)
    stack.stop()
    told = page.get_by_role("status").filter(has_text="The database does not answer")
    expect(told).to_be_visible(timeout=20_000)
    expect(told).to_contain_text("Trying again every")
    expect(told).to_contain_text("start it with: ecom up")
    assert inflow(page) == before  # what was there stays readable
    late = open_page("/pipeline/")
    expect(late.get_by_role("status").filter(has_text="The database does not answer")).to_be_visible()
    stack.start()
    order(stack)
    for each in (page, late):
        expect(each.get_by_text("The database does not answer")).to_have_count(0)
    expect(card(late, "Time since the last commit")).to_contain_text("Last commit (UTC)")
    card(page, SALES[0]).locator("tbody").wait_for()
    page.wait_for_function(
        "before => [...document.querySelectorAll('#order_inflow td')]"
        ".reduce((sum, cell) => sum + Number(cell.innerText), 0) > before",
        arg=before,
    )
