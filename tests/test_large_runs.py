"""A run of 40 observables and 30 parameters: figures that can be looked at, and a page that opens."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure
from PIL import Image
from support import synthetic
from support.pages import build

from jaxmorph.configuration.look import Figures
from jaxmorph.figures import as_svg, draw
from jaxmorph.report import findings, page, summary

N_OBSERVABLES, N_PARAMETERS = 40, 30
LIMIT = 6_000_000
"""Bytes of a page without films."""


@pytest.fixture(scope="module")
def large() -> tuple[xr.Dataset, xr.Dataset]:
    shape: dict[str, Any] = {"n_parameters": N_PARAMETERS, "n_observables": N_OBSERVABLES, "n_times": 4}
    return synthetic.sensitivity(**shape, n_samples=16, n_seeds=4), synthetic.checks(**shape)


def test_the_page_is_small(tmp_path: Path, large: tuple[xr.Dataset, xr.Dataset]) -> None:
    """Beside its figures, of which each takes at most so much."""
    path = build(tmp_path, *large)
    n_figures = len(list((tmp_path / "figures").glob("*.svg")))
    assert path.stat().st_size < LIMIT - n_figures * 190_000


@pytest.mark.parametrize("name", ["tornado", "time_course", "seed_spread", "convergence", "heat_map"])
def test_a_figure_has_what_can_be_looked_at_and_its_table_has_all(
    name: str, large: tuple[xr.Dataset, xr.Dataset]
) -> None:
    figure, table = draw(name, *large)
    assert len(figure.axes) <= 54
    assert figure.get_figheight() < 20
    assert set(table["observable"].dropna()) == set(large[0]["observable"].values)
    assert set(table["parameter"].dropna()) == set(large[0]["parameter"].values)
    if name != "heat_map":  # which has a field for every pair
        assert "The first 9 of 40 panels" in figure.get_supxlabel()
    assert len(page.embedded_svg(as_svg(figure).encode())) < 500_000


def test_what_is_named_is_drawn_however_many(large: tuple[xr.Dataset, xr.Dataset]) -> None:
    observables = [str(name) for name in large[0]["observable"].values[10:24]]
    figure, table = draw("noise", *large, look=Figures(observables=tuple(observables)))
    assert len(figure.axes) == len(observables) == len(set(table["observable"]))
    assert "panels" not in figure.get_supxlabel()


def test_the_largest_parameters_of_a_panel_have_a_row() -> None:
    data = synthetic.sensitivity(n_parameters=14, n_observables=1, n_times=1, n_samples=16, n_seeds=4)
    data["elasticity_average"][0, 0, 13] = 5.0
    figure, _ = draw("noise_sensitivity", data)
    size = abs(data["noise_elasticity"][-1, 0])
    largest = size.sortby(size, ascending=False)["parameter"].values[:8]
    rows = [label.get_text().rstrip(" ×") for label in figure.axes[0].get_yticklabels()]
    assert [" ".join(row.split()) for row in rows] == [str(name).replace("_", " ") for name in largest]
    assert [text.get_text() for text in figure.axes[0].texts if "more" in text.get_text()] == ["6 more"]


def test_of_very_many_that_hardly_matter_some_are_named(large: tuple[xr.Dataset, xr.Dataset]) -> None:
    data = large[0]
    for _, text in findings.per_observable(data, summary.rankings(data)):
        assert len(text.split()) < 120


def crowded() -> Figure:
    figure = Figure((4, 3))
    ax = figure.subplots()
    rng = np.random.default_rng(1)
    x, y, colour = rng.random((3, 3000))
    ax.scatter(x, y, c=colour, s=9)
    return figure


def test_a_heavy_figure_is_as_fine_as_its_weight_allows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights: dict[int, int] = {}
    for most, dpi in ((10**9, 200), (None, 140), (0, 100)):
        monkeypatch.setattr(page, "_HEAVY_PNG", weights[200] - 1 if most is None else most)
        path = tmp_path / f"{dpi}.png"
        path.write_bytes(page._coarse(crowded()))
        weights[dpi] = path.stat().st_size
        assert Image.open(path).size == (4 * dpi, 3 * dpi)
    assert weights[200] > weights[140] > weights[100]
