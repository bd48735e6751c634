"""The dashboards' page on ten million facts: one refresh of all its charts over HTTP, and its first load."""

import http.client
import json
import shutil
import statistics
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from playwright.sync_api import expect, sync_playwright

from benchmarks.lab import Lab, open_lab
from benchmarks.result import Result
from environments.embedded.ports import HOST, any_free
from pipeline.sums.fold import fold
from pipeline.sums.publication import recompute
from tests.integration.commits import commit, valid
from tests.integration.samples import event

ORDERS = 10_000_000
REFRESHES = 200
EVERY_S = 0.5
WRITES_PER_S = 50
FIRST_LOADS = 5
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_FACTS = Path(__file__).with_name("page_facts.sql").read_text(encoding="utf-8")
_ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run")


def run() -> list[Result]:
    """Fill the facts, then refresh and load the page while orders are written."""
    browser = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if browser is None:
        print("page_first_load: left out, because there is no Chromium on PATH", file=sys.stderr)
    with open_lab(services=("postgres",)) as lab:
        place = lab.contender("page", "orders")
        port = any_free()
        place.variables["ECOM_DASHBOARDS_URL"] = f"http://{HOST}:{port}"
        _fill(place)
        with place.program("dashboards.page", log="page"), _writer(place):
            charts = _charts(port)
            for _ in range(10):
                _refresh(port, charts)
            seconds = []
            for _ in range(REFRESHES):
                seconds.append(_refresh(port, charts))
                threading.Event().wait(EVERY_S)
            loads = [_first_load(port, browser) for _ in range(FIRST_LOADS)] if browser else []
    ms = sorted(1000 * each for each in seconds)
    p95 = ms[int(len(ms) * 0.95) - 1]
    notes = {"p50": round(statistics.median(ms), 1), "most": round(ms[-1], 1), "orders": float(ORDERS)}
    found = [Result("page_refresh_p95", "ms", round(p95, 1), notes=notes)]
    if loads:
        median, most = statistics.median(loads), max(loads)
        found.append(Result("page_first_load", "ms", round(median, 1), notes={"most": round(most, 1)}))
    return found


def _fill(lab: Lab) -> None:
    with closing(lab.connect()) as connection:
        with connection, connection.cursor() as cursor:
            cursor.execute(_FACTS, {"orders": ORDERS})
            recompute(cursor)
        connection.autocommit = True
        connection.cursor().execute("VACUUM ANALYZE")
        connection.cursor().execute("CHECKPOINT")


@contextmanager
def _writer(lab: Lab) -> Iterator[None]:
    """Commit orders as the stream does, once a second, and fold twice a minute."""
    stop = threading.Event()

    def write() -> None:
        offset, folded = 0, time.monotonic()
        while not stop.wait(1):
            now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
            numbers = range(offset, offset + WRITES_PER_S)
            rows = [valid(event(number, ordered_at=now, product_id=1 + number % 500)) for number in numbers]
            commit(lab.postgres, rows, offset)
            offset += WRITES_PER_S
            if time.monotonic() - folded > 30:
                folded = time.monotonic()
                with closing(lab.connect("ingest")) as connection:
                    fold(connection)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _charts(port: int) -> list[dict[str, Any]]:
    """Return the body of each chart's request, from what the page itself tells the browser."""
    deadline = time.monotonic() + 60
    while True:
        try:
            told = json.loads(_ask(port, "GET", "/sales/_dash-dependencies"))
            break
        except OSError:
            if time.monotonic() > deadline:
                raise
            threading.Event().wait(0.1)
    return [_body(each) for each in told if "-drawing.children" in each["output"]]


def _body(told: dict[str, Any]) -> dict[str, Any]:
    ids = [
        (json.loads(part["id"]) if part["id"].startswith("{") else part["id"], part["property"])
        for part in told["inputs"]
    ]
    outputs = [part.rsplit(".", 1) for part in told["output"].strip(".").split("...")]
    return {
        "output": told["output"],
        "outputs": [
            {"id": json.loads(name) if name.startswith("{") else name, "property": what}
            for name, what in outputs
        ],
        "inputs": [
            {"id": name, "property": what, "value": {"choice": "30"} if name == "period" else 1}
            for name, what in ids
        ],
        "changedPropIds": [],
        # Never seen before, so that everything is drawn and sent each time.
        "state": [{**part, "value": None} for part in told["state"]],
    }


def _refresh(port: int, charts: list[dict[str, Any]]) -> float:
    """Return the seconds until all charts are there, asked for at once as a browser does."""
    started = time.perf_counter()
    with ThreadPoolExecutor(len(charts)) as pool:
        bodies = [json.dumps(chart).encode() for chart in charts]
        for answer in pool.map(
            lambda body: _ask(port, "POST", "/sales/_dash-update-component", body), bodies
        ):
            assert b"Table" in answer, answer[:300]
    return time.perf_counter() - started


def _ask(port: int, method: str, path: str, body: bytes = b"") -> bytes:
    connection = http.client.HTTPConnection(HOST, port, timeout=30)
    try:
        connection.request(method, path, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        content = answer.read()
        assert answer.status == 200, content[:300]
        return content
    finally:
        connection.close()


def _first_load(port: int, executable: str) -> float:
    """Return the milliseconds from the address to drawn charts, in a browser that was never here."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=_ARGUMENTS)
        page = browser.new_page()
        started = time.perf_counter()
        page.goto(f"http://{HOST}:{port}/sales/")
        for chart in ("order_inflow", "daily_revenue", "top_products", "customer_segments"):
            expect(page.locator(f"#{chart} .trace, #{chart} .plot .point").first).to_be_attached(
                timeout=30_000
            )
        taken = time.perf_counter() - started
        browser.close()
    return 1000 * taken
