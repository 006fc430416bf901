"""The page of several runs in a real browser."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
import xarray as xr
from playwright.sync_api import Browser
from support import synthetic
from support.browser import launched, opened_in

from jaxmorph import sensitivity
from jaxmorph.report import write_comparison

NAMES = ("control", "mutant")
pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launched() as browser:
        yield browser


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    shape: dict[str, Any] = {"n_parameters": 3, "n_observables": 3, "n_times": 6, "n_samples": 8}
    one, other = (
        sensitivity.compared(synthetic.sensitivity(**shape, design="saltelli", n_seeds=n))
        for n in (8, 6)
    )
    flags = xr.zeros_like(one["observable"], dtype=bool).drop_vars("observable")
    runs = {
        name: data.assign(elasticity_unsuited=flags)
        for name, data in zip(NAMES, (one, other), strict=True)
    }
    shared = sensitivity.Shared.of(NAMES, one, other)
    found = sensitivity.differences(one, other, shared)
    comparison = sensitivity.comparison(runs, {"mutant": (shared, found)})
    about = {name: {"configuration": json.dumps({"key": name})} for name in runs}
    told = {"mutant": {"not_paired": "their keys differ", "left_out": []}}
    comparison.attrs = {"about": json.dumps(about), "pairs": json.dumps(told)}
    path = tmp_path_factory.mktemp("page") / "report.html"
    write_comparison(path, "both", comparison)
    return path


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_fits_and_shows_its_figures(
    browser: Browser, page_file: Path, width: int, scheme: Literal["light", "dark"]
) -> None:
    with opened_in(browser, page_file, width) as page:
        page.emulate_media(color_scheme=scheme)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        sizes = page.evaluate("[...document.images].map(i => [i.complete, i.naturalWidth])")
        assert len(sizes) == 5 and all(done and size > 100 for done, size in sizes)
        ids = page.evaluate("[...document.querySelectorAll('[id]')].map(e => e.id)")
        assert len(ids) == len(set(ids))
        targets = page.evaluate("[...document.querySelectorAll('nav a')].map(a => a.hash.slice(1))")
        assert set(targets) <= set(ids)
