"""Photograph the running dashboards for the README: light, dark and on a phone; `make screenshots`.

Needs Chromium and a page that runs (`ecom up`, `ecom produce` for a while).
"""

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, expect, sync_playwright

FOLDER = Path(os.environ.get("SHOTS", Path(__file__).parents[1] / "docs" / "images"))
ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run")


@dataclass(frozen=True)
class Picture:
    """One picture: which page, how wide and high, and in which theme."""

    name: str
    path: str
    width: int
    height: int
    theme: Literal["light", "dark"]


PICTURES = (
    Picture("dashboard-light", "/sales/", 1280, 1180, "light"),
    Picture("dashboard-dark", "/sales/", 1280, 1120, "dark"),
    Picture("dashboard-health", "/pipeline/", 1280, 1180, "light"),
    Picture("dashboard-phone", "/sales/", 390, 1500, "light"),
)


def main() -> int:
    """Take all pictures; return the exit code."""
    chromium = shutil.which("chromium")
    if not chromium:
        sys.stderr.write("error: no `chromium` on PATH (Debian: apt-get install chromium)\n")
        return 1
    expect.set_options(timeout=30_000)
    url = os.environ.get("ECOM_DASHBOARDS_URL") or _from_env_file()
    FOLDER.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        for picture in PICTURES:
            _take(browser, url, picture)
        browser.close()
    return 0


def _from_env_file() -> str:
    from pipeline.settings import DashboardsSettings, load

    return load(DashboardsSettings).url


def _take(browser: Browser, url: str, picture: Picture) -> None:
    page = browser.new_page(
        viewport={"width": picture.width, "height": picture.height}, color_scheme=picture.theme
    )
    page.goto(url + picture.path)
    expect(page.locator("main")).to_be_visible()
    expect(page.get_by_text("Loading …")).to_have_count(0)
    expect(page.locator(".plot .main-svg").nth(1)).to_be_visible()
    page.wait_for_load_state("networkidle")
    path = FOLDER / f"{picture.name}.png"
    page.screenshot(path=path)
    sys.stdout.write(f"{path} {path.stat().st_size / 1024:.0f} KB\n")
    page.close()


if __name__ == "__main__":
    sys.exit(main())
