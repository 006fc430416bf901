"""An estimate with its figure is the two files of docs/development.md: in files, figures and report."""

from __future__ import annotations

import re
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from support import ROOT

import jaxmorph.figures
import jaxmorph.sensitivity
from jaxmorph import store
from jaxmorph.distributions import Uniform
from jaxmorph.figures import catalogue, draw, figure_names, save_figure
from jaxmorph.quantities import described
from jaxmorph.report import write_report
from jaxmorph.sensitivity import Question, estimate, estimator, tables

DEVELOPMENT = ROOT / "docs" / "development.md"


def written(what: str) -> str:
    """The code that the page shows for this file."""
    found = re.search(rf"<!-- {what} -->\n *```python\n(.*?)```", DEVELOPMENT.read_text(), re.DOTALL)
    assert found, what
    return textwrap.dedent(found[1])


@pytest.fixture
def added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The two files, as if they lay in the folders of the package."""
    for package, file in ((jaxmorph.sensitivity, "estimator"), (jaxmorph.figures, "figure")):
        folder = tmp_path / package.__name__
        folder.mkdir()
        (folder / "gradient_median.py").write_text(written(file))
        monkeypatch.setattr(package, "__path__", [*package.__path__, str(folder)])
    estimator.estimators.cache_clear()
    monkeypatch.setattr(catalogue, "CATALOGUE", catalogue._found())
    monkeypatch.setattr(jaxmorph.figures, "CATALOGUE", catalogue.CATALOGUE)
    monkeypatch.setattr("jaxmorph.report.page.CATALOGUE", catalogue.CATALOGUE)
    yield
    monkeypatch.undo()
    for package in (jaxmorph.sensitivity, jaxmorph.figures):
        sys.modules.pop(f"{package.__name__}.gradient_median", None)
    estimator.estimators.cache_clear()


def a_run() -> xr.Dataset:
    """f = 3 a + b, with noise in its gradients; 16 samples, 8 seeds, 3 times."""
    rng = np.random.default_rng(0)
    theta, shape = rng.uniform(size=(16, 2)), (16, 8, 3, 1)
    dims = ("sample", "seed", "time", "observable")
    value = (theta @ [3.0, 1.0])[:, None, None, None] + 0.1 * rng.normal(size=shape)
    gradient = np.array([3.0, 1.0]) + 0.01 * rng.normal(size=(*shape, 2))
    points = xr.Dataset(
        dict.fromkeys(("parameter_value", "unit_value"), (("sample", "parameter"), theta)),
        {"sample": np.arange(16), "parameter": ["a", "b"]},
    )
    slab = points[["parameter_value"]].assign(
        value=(dims, value), gradient=((*dims, "parameter"), gradient)
    )
    slab = slab.assign_coords(
        seed=np.arange(8),
        time=("time", [0.0, 1.0, 2.0], {"long_name": "time", "units": "h"}),
        observable=["f"],
        observable_unit=("observable", ["um"]),
        parameter_unit=("parameter", ["h", "h"]),
    )
    data = estimate([slab], points, Question([Uniform(low=0, high=1)] * 2))
    return data.assign_attrs(design_method="list", stochastic=1, estimator="pathwise")


@pytest.mark.usefixtures("added")
def test_a_new_estimator_reaches_files_figures_report_and_documentation(tmp_path: Path) -> None:
    data = a_run()
    median = data["gradient_median"]
    np.testing.assert_allclose(median.isel(time=-1, observable=0), [3.0, 1.0], rtol=0.01)
    assert median.attrs["units"] == "um h-1"
    assert described(median).label == "median gradient"
    store.write_dataset(data, tmp_path / "sensitivity.nc", "sensitivity")
    read = store.read_dataset(tmp_path / "sensitivity.nc", "sensitivity")

    names = figure_names("list", 2, checks=False)
    assert names.index("gradient_median") == names.index("heat_map") + 1
    (tmp_path / "figures").mkdir()
    for name in names:
        (tmp_path / "figures" / f"{name}.svg").write_text("<svg/>")
    for name in ("gradient_median", "convergence"):
        figure, table = draw(name, read)
        save_figure(figure, table, tmp_path / "figures" / name)
        if name == "convergence":
            assert "gradient_median" in set(table["estimate"])

    write_report(tmp_path / "report.html", "toy", read, tmp_path / "figures")
    page = (tmp_path / "report.html").read_text()
    for told in (
        "The median gradient",
        "A dot is the median over samples. A bar is its interval.",
        '<th scope="col">median <a class="term" href="#term-gradient"',
        '<th scope="row">median <a class="term" href="#term-gradient"',
        "Tukey, Exploratory Data Analysis",
        '"label":"median gradient"',
    ):
        assert told in page, told
    documented = tables.with_tables("<!-- variables -->\n<!-- end -->\n<!-- formulas -->\n<!-- end -->")
    assert "| `gradient_median` (`_low`, `_high`) | time, observable, parameter |" in documented
    assert "| `gradient_median` | `med_θ E_r[∂f/∂θ_p]` |" in documented


@pytest.mark.usefixtures("added")
def test_the_test_of_the_page_passes() -> None:
    names: dict[str, Any] = {}
    exec(written("test"), names)
    names["test_one_wild_sample_does_not_move_the_median"]()
