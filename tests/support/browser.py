"""Headless Chromium, and pages in it that must be quiet."""

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
]


@contextlib.contextmanager
def launched() -> Iterator[Browser]:
    """The browser, for as long as it is needed."""
    with sync_playwright() as playwright:
        path = shutil.which("chromium") or "/usr/bin/chromium"
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@contextlib.contextmanager
def opened_in(browser: Browser, report: Path, width: int) -> Iterator[Page]:
    """A page from the disk; in the end it must have asked for nothing and complained of nothing."""
    page = browser.new_page(viewport={"width": width, "height": 800})
    heard: list[str] = []
    page.on("request", lambda r: heard.append(r.url))
    page.on("console", lambda m: heard.append(m.text))
    page.on("pageerror", lambda e: heard.append(str(e)))
    page.goto(report.as_uri())
    yield page
    page.close()
    assert [one for one in heard if not one.startswith("data:")] == [report.as_uri()]
