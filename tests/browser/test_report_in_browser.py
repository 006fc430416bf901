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
SCHEMES = ("light", "dark")
Opened = tuple[Page, list[str], list[str]]


CONTRAST = """
(() => {
  const parsed = (text) => {
    const n = text.match(/[\\d.]+/g).map(Number);
    const scale = text.startsWith("color(srgb") ? 1 : 255;
    return { rgb: n.slice(0, 3).map((x) => x / scale), alpha: n.length > 3 ? n[3] : 1 };
  };
  const light = ({ rgb }) => {
    const [r, g, b] = rgb.map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const found = parsed(getComputedStyle(at).backgroundColor);
      if (found.alpha > 0) return found;
    }
    return { rgb: [1, 1, 1] };
  };
  const weak = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    const apart = "svg, script, option, select, button, .unseen";
    if (!own || !element.checkVisibility() || element.closest(apart)) continue;
    const [a, b] = [light(parsed(getComputedStyle(element).color)), light(ground(element))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) weak.push([element.className, element.textContent.slice(0, 30), ratio]);
  }
  return weak;
})()
"""


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


def unfold(page: Page) -> None:
    page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    page.evaluate("[...document.images].forEach(i => { i.loading = 'eager'; })")
    page.wait_for_function("[...document.images].every(i => i.complete)")


def test_every_picture_is_shown(opened: Opened) -> None:
    page, _, _ = opened
    unfold(page)
    widths = page.evaluate("[...document.images].map(i => [i.complete, i.naturalWidth])")
    # 8 base samples have no expansion; there are no groups, and nothing is known of the records.
    lacking = {"interactions", "noise_explained", "groups", "measurements"}
    shown = set(figure_names("saltelli", 3)) - lacking
    assert len(widths) == len(shown) + 2, "figures, and frames of two films"
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
    unfold(page)
    assert page.evaluate(f"{element}.scrollWidth <= {element}.clientWidth")


def test_the_first_screen_has_question_picture_light_and_next_step(opened: Opened) -> None:
    """At 1280 pixels on one screen, on a phone on two."""
    page, _, _ = opened
    for part in (".asked", ".answer-map", ".light", ".verdict .lead", ".next"):
        box = page.locator(part).bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= {1280: 800, 390: 2 * 844}[page.viewport_size["width"]], part  # type: ignore[index]
    assert page.locator(".verdict > p:not(.next)").count() <= 3


def test_the_page_is_short_until_it_is_unfolded(opened: Opened) -> None:
    page, _, _ = opened
    if page.viewport_size["width"] == 1280:  # type: ignore[index]
        assert page.evaluate("document.documentElement.scrollHeight") <= 12 * 900


@pytest.mark.parametrize("scheme", SCHEMES)
def test_text_stands_out_from_its_ground(browser: Browser, report: Path, scheme: Any) -> None:
    """Contrast of 4.5 or more (WCAG 2.1, AA) for every text that is shown, in both schemes."""
    page = browser.new_page(viewport={"width": 1280, "height": 900}, color_scheme=scheme)
    page.goto(report.as_uri())
    unfold(page)
    weak = page.evaluate(CONTRAST)
    assert weak == []
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (ground == "rgb(255, 255, 255)") is (scheme == "light")
    assert page.locator("#courses img").evaluate("i => getComputedStyle(i).backgroundColor") in (
        "rgb(255, 255, 255)",
        "rgba(0, 0, 0, 0)",
    ), "figures are drawn on white"
    page.close()


def test_words_explain_themselves_by_mouse_keyboard_and_tap(opened: Opened) -> None:
    page, _, _ = opened
    term, box = page.locator("a.term", has_text="seeds").first, page.locator("#meaning")
    meaning = page.locator("#term-seed dd").inner_text()
    assert box.is_hidden()
    term.hover()
    assert box.inner_text() == meaning
    page.mouse.move(0, 0)
    assert box.is_hidden()
    term.focus()
    assert box.inner_text() == meaning
    page.keyboard.press("Escape")
    assert box.is_hidden()
    term.click()
    assert box.inner_text() == meaning
    place, width = box.bounding_box(), page.viewport_size
    assert place is not None and width is not None
    assert place["x"] >= 0 and place["x"] + place["width"] <= width["width"]
    page.locator("h1").click()
    assert box.is_hidden()


def test_one_observable_is_shown_at_a_time_and_a_link_shows_another(opened: Opened) -> None:
    page, _, complaints = opened
    shown = page.locator("#observables .observable:visible h3")
    assert shown.all_inner_texts() == ["mean distance"]
    page.locator("#choice select").select_option(label="radius of gyration")
    assert shown.all_inner_texts() == ["radius of gyration"]
    page.evaluate("location.hash = 'observable-mean_distance'")
    page.wait_for_function("document.querySelector('#choice select').value.endsWith('distance')")
    assert shown.all_inner_texts() == ["mean distance"]
    page.evaluate("location.hash = 'tornado'")
    page.wait_for_function("document.getElementById('tornado').open")
    assert complaints == []


def test_a_wide_figure_scrolls_inside_its_frame_on_a_phone(browser: Browser, report: Path) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.goto(report.as_uri())
    frame = page.locator("#courses .scroll")
    assert frame.evaluate("f => f.scrollWidth > f.clientWidth")
    assert frame.evaluate("f => getComputedStyle(f).backgroundImage").count("gradient") == 4, "shadows"
    frame.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("document.querySelector('#courses .scroll').scrollLeft > 0")
    page.close()


def test_text_in_figures_is_large_enough_to_read(opened: Opened) -> None:
    page, _, _ = opened
    unfold(page)
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
            assert text.strip() and text.strip() in str(page.text_content("#reproduce")), target
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
    assert page.locator("details:not([open])").count() == 0, "on paper nothing can be unfolded"
    assert page.locator("#observables .observable:visible").count() == 2
    assert page.locator("#glossary dd").first.is_visible()
    page.emulate_media(media="screen")
    assert page.locator("#explorer").is_visible()
    assert page.locator("#methods details[open]").count() == 0


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
    assert page.locator("#courses img").is_visible()
    page.locator("#tornado summary").click()
    assert page.locator("#tornado img").is_visible()
    assert page.locator("#observables .observable:visible").count() == 2
    assert page.locator("a.term").first.get_attribute("href").startswith("#term-")  # type: ignore[union-attr]
    context.close()
