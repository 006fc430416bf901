"""The page in a real browser: headless Chromium, which must be on PATH."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import xarray as xr
from playwright.sync_api import Browser, Page
from support import synthetic
from support.browser import launched
from support.pages import build

from jaxmorph.figures import figure_names

pytestmark = pytest.mark.browser
WIDTHS = (1280, 390)
Opened = tuple[Page, list[str], list[str]]


SHAPE: dict[str, Any] = {"n_parameters": 3, "n_observables": 2, "n_times": 6, "n_samples": 8}


@pytest.fixture(scope="module")
def data() -> xr.Dataset:
    """A Saltelli run, one gradient of which is flagged."""
    data = synthetic.sensitivity(**SHAPE, design="saltelli")
    data["gradient_unreliable"][0, 1] = True
    return data


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory, data: xr.Dataset) -> Path:
    folder = tmp_path_factory.mktemp("run")
    checks = synthetic.checks(n_parameters=3, n_observables=2, n_times=6)
    return build(folder, data, checks, films=True, drawn=True)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launched() as browser:
        yield browser


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
    # 8 base samples have no expansion; there are no groups, and nothing is known of the records.
    lacking = {"interactions", "noise_explained", "groups", "measurements"}
    shown = set(figure_names("saltelli", 3)) - lacking
    assert len(widths) == len(shown) + 2 * 2 + 2, "figures, two of each observable, frames of two films"
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


def test_every_link_leads_somewhere(opened: Opened, report: Path) -> None:
    page, _, _ = opened
    targets = page.evaluate("[...document.links].map(a => a.getAttribute('href'))")
    assert len(targets) > 40
    for target in targets:
        if target.startswith("#"):
            assert page.locator(f"[id='{target[1:]}']").count() == 1, target
        elif target.startswith("data:"):
            # A file that the page carries is what the page shows of it.
            text = base64.b64decode(target.partition("base64,")[2]).decode()
            assert text.strip() and text.strip() in page.inner_text("#reproduce"), target
        else:
            assert (report.parent / target).is_file(), target


def choose(page: Page, part: str, label: str) -> None:
    page.locator(f"#explorer select[data-part='{part}']").select_option(label=label)


def bars(page: Page) -> list[str]:
    return page.locator("#explorer .row").evaluate_all("e => e.map(x => x.getAttribute('aria-label'))")


def test_the_chart_opens_at_the_last_time_with_the_numbers_of_the_data(
    opened: Opened, data: xr.Dataset
) -> None:
    """And with what the parameters are ranked by."""
    page, _, _ = opened
    last = data.isel(time=-1, observable=0)["sobol_total"]
    order = last.sortby(last, ascending=False)["parameter"].values
    assert [text.split(":")[0].replace(" ", "_") for text in bars(page)] == list(order)
    told = {text.split(":")[0]: text for text in bars(page)}
    value = f"{last.sel(parameter='epsilon').item():.3g}".replace("-", "\N{MINUS SIGN}")
    assert value in told["epsilon"]
    choose(page, "estimate", "elasticity")
    told = {text.split(":")[0]: text for text in bars(page)}
    assert "not to be trusted" in told["alpha"]
    assert "not to be trusted" not in told["epsilon"]


def test_choosing_observable_estimate_and_time_changes_the_chart(opened: Opened) -> None:
    page, _, complaints = opened
    seen = [bars(page)]
    choose(page, "observable", "radius of gyration")
    seen.append(bars(page))
    assert not any("not to be trusted" in text for text in seen[-1]), "it is not made from gradients"
    choose(page, "estimate", "elasticity")
    seen.append(bars(page))
    page.locator("#explorer input").focus()
    page.keyboard.press("ArrowLeft")
    assert page.locator("#explorer output").inner_text() == "0.08"
    seen.append(bars(page))
    choose(page, "estimate", "total Sobol index")
    page.locator("#explorer input").focus()
    page.keyboard.press("Home")
    assert all("not defined" in text for text in bars(page)), "no variance at time 0"
    assert len({tuple(texts) for texts in seen}) == 4
    assert complaints == []


def test_pointing_at_a_bar_or_the_lines_gives_values(opened: Opened) -> None:
    page, _, _ = opened
    tip = page.locator("#explorer .tip")
    assert tip.is_hidden()
    row = page.locator("#explorer .row").first
    row.hover()
    assert tip.inner_text() == row.get_attribute("aria-label")
    page.locator("#explorer [data-part='lines'] svg").hover()
    assert tip.inner_text().startswith("time ")
    assert tip.inner_text().count("95 %") == 3, "every parameter at that time"
    page.mouse.move(0, 0)
    assert tip.is_hidden()


def test_the_bars_can_be_read_with_the_keyboard(opened: Opened) -> None:
    page, _, _ = opened
    page.locator("#explorer input").focus()
    page.keyboard.press("Tab")
    tip = page.locator("#explorer .tip")
    assert tip.inner_text() == bars(page)[0]
    page.keyboard.press("Tab")
    assert tip.inner_text() == bars(page)[1]
    page.keyboard.press("Escape")
    assert tip.is_hidden()


def test_a_click_on_the_lines_sets_the_time(opened: Opened) -> None:
    page, _, _ = opened
    chart = page.locator("#explorer [data-part='lines'] svg")
    box = chart.bounding_box()
    assert box is not None
    chart.click(position={"x": 53, "y": 20})
    assert page.locator("#explorer output").inner_text() == "0"


def test_print_has_static_figures_in_place_of_what_moves(opened: Opened) -> None:
    page, _, _ = opened
    page.emulate_media(media="print")
    assert page.locator("#explorer").is_hidden()
    assert page.locator("video").first.is_hidden()
    assert page.get_by_text("On screen, this page also has a chart").is_visible()
    images = page.locator("figure img")
    assert all(images.nth(i).is_visible() for i in range(images.count()))
    page.emulate_media(media="screen")
    assert page.locator("#explorer").is_visible()


def test_a_run_with_one_time_has_no_slider(browser: Browser, tmp_path: Path) -> None:
    quiet = synthetic.sensitivity(n_parameters=3, n_observables=1, n_times=1, stochastic=False)
    page = browser.new_page(viewport={"width": 390, "height": 800})
    complaints: list[str] = []
    page.on("console", lambda m: complaints.append(m.text))
    page.on("pageerror", lambda e: complaints.append(str(e)))
    page.goto(build(tmp_path, quiet, None).as_uri())
    assert len(bars(page)) == 3
    assert page.locator("#explorer input").is_hidden()
    assert page.locator("#explorer [data-part='lines']").is_hidden()
    assert complaints == []
    page.close()


def test_without_scripts_the_page_is_whole(browser: Browser, report: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(report.as_uri())
    assert page.locator("#explorer").is_hidden()
    assert page.locator("#tornado img").is_visible()
    context.close()
