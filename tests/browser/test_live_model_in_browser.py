"""The live model of the page in a real browser: headless Chromium, which must be on PATH."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
import yaml
from playwright.sync_api import Browser, Page
from support.browser import launched, opened_in
from support.expanded import PARAMETERS, asked, expanded
from support.pages import build

from jaxmorph.configuration import Configuration
from jaxmorph.designs import ListDesign
from jaxmorph.sensitivity import predict

pytestmark = pytest.mark.browser
LABELS = [name.replace("_", " ") for name in PARAMETERS]
SIZES = (1200, 375)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launched() as browser:
        yield browser


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("live"), expanded(), None)


@pytest.fixture(params=SIZES)
def page(request: pytest.FixtureRequest, browser: Browser, report: Path) -> Iterator[Page]:
    """The page, which asks for nothing and has no complaints, whatever a test does."""
    with opened_in(browser, report, request.param) as page:
        yield page


def slider(page: Page, label: str) -> Any:
    return page.locator("#live .sliders").get_by_label(label, exact=True)


def move(page: Page, label: str, step: int) -> None:
    slider(page, label).fill(str(step))


def answer(page: Page) -> dict[str, float]:
    """The exact numbers behind the answer in words."""
    told, numbers = page.locator("#live [data-part='told']"), ("value", "half", "change")
    return {name: float(told.get_attribute(f"data-{name}") or "nan") for name in numbers}


def point_of(page: Page) -> dict[str, float]:
    """The point as the run that the page writes has it."""
    entry = page.locator("#live-entry")
    if entry.is_hidden():
        page.get_by_role("button", name="This point as YAML").click()
    text = entry.inner_text()
    configuration = Configuration.model_validate(yaml.safe_load(text))
    (run,) = configuration.runs.values()
    assert isinstance(run.design, ListDesign)
    return run.design.points[0]


def by_numpy(points: np.ndarray) -> xr.Dataset:
    theta = xr.DataArray(points, {"parameter": list(PARAMETERS)}, ("point", "parameter"))
    return predict(expanded(), theta).sel(observable="radius")


def test_at_the_samples_the_page_predicts_what_the_file_does(page: Page) -> None:
    theta = expanded()["parameter_value"].transpose("sample", "parameter").values
    script = """points => {
        const data = JSON.parse(document.getElementById('live-data').textContent), f = expansion(data);
        return points.map(point => f.at(data.observables[0], point));
    }"""
    found = page.evaluate(script, theta.tolist())
    expected = by_numpy(theta).isel(time=slice(1, None)).transpose("point", "time")
    size = float(expected["value"].std())
    value = np.array([[one["value"] for one in times] for times in found])
    half = np.array([[one["half"] for one in times] for times in found])
    np.testing.assert_allclose(value, expected["value"], rtol=0, atol=1e-9 * size)
    np.testing.assert_allclose(half, expected["half_width"], rtol=1e-3)


def test_a_slider_moves_the_chart_and_the_numbers_are_those_of_the_expansion(page: Page) -> None:
    course = page.locator("#live path.course")
    seen = [course.get_attribute("d")]
    for label, step in zip(LABELS, (0, 200, 37, 163), strict=True):
        move(page, label, step)
        seen.append(course.get_attribute("d"))
    assert len(set(seen)) == len(seen)
    point = point_of(page)
    assert point["growth_rate"] == 0.0025 and point['<b>"a": {k}</b>'] == 3
    expected = by_numpy(np.array([[point[name] for name in PARAMETERS]])).isel(point=0, time=-1)
    assert answer(page)["value"] == pytest.approx(float(expected["value"]), abs=1e-9)
    assert answer(page)["half"] == pytest.approx(float(expected["half_width"]), rel=1e-3)
    told = page.locator("#live [data-part='told']").inner_text()
    number = told.removeprefix("radius at time 2: ").partition(" ± ")
    assert [float(number[0]), float(number[2])] == pytest.approx(
        [float(expected["value"]), float(expected["half_width"])],
        abs=0.05 * float(expected["half_width"]),
    )
    centre = [d.centre for d in PARAMETERS.values()]
    reference = by_numpy(np.array([centre])).isel(point=0, time=-1)
    change = float(expected["value"] - reference["value"])
    assert answer(page)["change"] == pytest.approx(change, abs=1e-3)
    assert "from the centre: \N{MINUS SIGN}" in page.locator("#live .answer").inner_text()
    page.get_by_role("button", name="Back to the centre").click()
    assert page.locator("#live [data-part='change']").inner_text() == "(the centre)"
    assert course.get_attribute("d") == seen[0]
    assert list(point_of(page).values()) == pytest.approx(centre, rel=1e-3)


def test_the_point_is_a_run_of_this_configuration(page: Page) -> None:
    move(page, "growth rate", 61)
    point_of(page)
    text = page.locator("#live-entry").inner_text()
    (name, run), *_ = Configuration.model_validate(yaml.safe_load(text)).runs.items()
    assert name == "notebook-point"
    assert run.parameters == asked().parameters and run.settings == asked().settings
    assert (run.study, run.fixed, run.seeds, run.key) == ("studies/mine.py:Mine", {"kT": 1e-7}, 8, 3)
    assert run.observables == asked().observables and run.checks == asked().checks
    assert run.optimise is None and not run.allow_partial and run.n_samples == 1
    with page.expect_download() as download:
        page.locator("#live").get_by_role("link", name="download").click()
    assert download.value.suggested_filename == "notebook-point.yaml"
    assert Path(download.value.path()).read_text() == text
    before = text
    move(page, "growth rate", 62)
    assert page.locator("#live-entry").inner_text() != before


def test_all_of_it_can_be_done_with_the_keyboard(page: Page) -> None:
    page.locator("#live select").focus()
    value = answer(page)["value"]
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowLeft")
    assert page.locator("#live [data-part='clock']").inner_text() == "1"
    assert answer(page)["value"] != value
    for label in LABELS:
        page.keyboard.press("Tab")
        focused = page.locator("#live input:focus")
        assert focused.get_attribute("aria-label") == label
        before = (answer(page)["value"], focused.get_attribute("aria-valuetext"))
        page.keyboard.press("ArrowRight")
        now = (answer(page)["value"], focused.get_attribute("aria-valuetext"))
        assert before[0] != now[0] and before[1] != now[1]
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.locator("#live-entry").is_visible()


def test_on_a_phone_nothing_sticks_out_and_the_chart_stays_in_sight(page: Page) -> None:
    point_of(page)
    root = "document.documentElement"
    assert page.evaluate(f"{root}.scrollWidth <= {root}.clientWidth")
    if page.viewport_size and page.viewport_size["width"] == min(SIZES):
        page.set_viewport_size({"width": min(SIZES), "height": 400})
        page.evaluate("document.querySelector('#live .sliders label:last-child').scrollIntoView(false)")
        chart, first = (
            page.locator(f"#live {one}").bounding_box()
            for one in ("[data-part='chart']", ".sliders label >> nth=0")
        )
        assert chart is not None and first is not None
        assert 0 <= chart["y"] < 10 and first["y"] < chart["y"] + chart["height"], "it has scrolled away"
        heights = page.locator("#live .buttons button").evaluate_all("b => b.map(x => x.offsetHeight)")
        assert min(heights) >= 32


def test_what_is_withheld_is_not_offered_and_the_page_says_why(page: Page) -> None:
    assert page.locator("#live option").all_inner_texts() == ["radius"]
    assert page.locator("#live [data-part='time']").get_attribute("max") == "2"
    text = page.locator("#model").inner_text()
    assert "Not offered: radius at 1 of 4 times and smooth jump (Q² at most 0)." in text


def test_a_name_is_text_whatever_it_is(page: Page) -> None:
    assert page.locator("#live .sliders span").all_inner_texts() == LABELS
    assert page.locator("#live .sliders b").count() == 0
    assert page.locator("#live-off").is_hidden()


def test_on_paper_a_line_stands_for_the_chart(page: Page) -> None:
    page.emulate_media(media="print")
    assert page.locator("#live").is_hidden()
    assert page.get_by_text("this page has a chart here").is_visible()
    page.emulate_media(media="screen")


def test_without_noise_and_with_one_time_there_is_a_number(browser: Browser, tmp_path: Path) -> None:
    data = expanded(stochastic=False, one_time=True)
    with opened_in(browser, build(tmp_path, data, None), min(SIZES)) as page:
        assert page.locator("#live [data-part='when']").is_hidden()
        assert page.locator("#live path.course").count() == 0
        place = page.locator("#live circle").get_attribute("cx")
        move(page, "growth rate", 190)
        assert page.locator("#live circle").get_attribute("cx") != place
        assert "what the noise of" not in page.locator("#model").inner_text()


def test_without_an_expansion_there_is_no_section(browser: Browser, tmp_path: Path) -> None:
    data = expanded().drop_vars("expansion_coefficient")
    with opened_in(browser, build(tmp_path, data, None), max(SIZES)) as page:
        assert page.locator("#model").count() == 0
        assert page.locator("a[href='#model']").count() == 0
        assert page.locator("#explorer .row").count() == len(PARAMETERS)


def test_a_study_that_no_configuration_names_has_no_yaml(browser: Browser, tmp_path: Path) -> None:
    settings = asked().plain() | {"study": "given:Mine_12345678"}
    data = expanded().assign_attrs(configuration=json.dumps(settings))
    with opened_in(browser, build(tmp_path, data, None), max(SIZES)) as page:
        assert page.get_by_role("button", name="This point as YAML").count() == 0
        move(page, "growth rate", 10)


def test_without_scripts_the_section_says_so(browser: Browser, report: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(report.as_uri())
    assert page.locator("#live").is_hidden()
    assert page.get_by_text("The chart needs JavaScript").is_visible()
    context.close()
