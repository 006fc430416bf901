"""The page in a real browser: headless Chromium, which must be on PATH."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1]))

import synthetic
from test_report import build

pytestmark = pytest.mark.browser
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
]
WIDTHS = (1280, 390)
Opened = tuple[Page, list[str], list[str]]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    return build(folder, synthetic.sensitivity(n_samples=16), synthetic.checks(), films=True)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        path = shutil.which("chromium") or "/usr/bin/chromium"
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(params=WIDTHS)
def opened(request: pytest.FixtureRequest, browser: Browser, report: Path) -> Iterator[Opened]:
    """The page, the requests that it made and its complaints."""
    page = browser.new_page(viewport={"width": request.param, "height": 900})
    requests: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda r: requests.append(r.url))
    page.on("console", lambda m: complaints.append(m.text))
    page.on("pageerror", lambda e: complaints.append(str(e)))
    page.goto(report.as_uri())
    yield page, requests, complaints
    page.close()


def test_nothing_is_fetched_and_nothing_goes_wrong(opened: Opened, report: Path) -> None:
    page, requests, complaints = opened
    page.wait_for_load_state("networkidle")
    assert [url for url in requests if not url.startswith("data:")] == [report.as_uri()]
    assert complaints == []


def test_every_picture_is_shown(opened: Opened) -> None:
    page, _, _ = opened
    widths = page.evaluate("[...document.images].map(i => [i.complete, i.naturalWidth])")
    assert len(widths) == 6 + 2, "six figures, and the printed frames of two films"
    assert all(complete and width > 0 for complete, width in widths)


def test_films_can_play(opened: Opened) -> None:
    page, _, _ = opened
    page.wait_for_function("[...document.querySelectorAll('video')].every(v => v.readyState >= 2)")
    page.evaluate("Promise.all([...document.querySelectorAll('video')].map(v => v.play()))")
    page.wait_for_function("[...document.querySelectorAll('video')].every(v => v.currentTime > 0)")


def test_nothing_sticks_out_to_the_side(opened: Opened) -> None:
    page, _, _ = opened
    element = "document.documentElement"
    assert page.evaluate(f"{element}.scrollWidth <= {element}.clientWidth")


def test_text_in_figures_is_large_enough_to_read(opened: Opened) -> None:
    page, _, _ = opened
    # Figures are made with type of 7 pt or more; on the page a point is at least 1.25 px.
    scales = page.evaluate(
        "[...document.images].filter(i => i.className != 'printed')"
        ".map(i => i.getBoundingClientRect().width / (i.naturalWidth * 0.75))"
    )
    assert min(scales) >= 1.25
