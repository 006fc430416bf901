"""Figures and films: right data, every shape of dataset, the same bytes when made again."""

from __future__ import annotations

import fnmatch
import importlib
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from matplotlib.quiver import Quiver
from support import ROOT, synthetic, synthetic_optimisation
from support.arrangement import LARGEST, check_arrangement

from jaxmorph.errors import JaxmorphError
from jaxmorph.figures import CATALOGUE, draw, figure_names, module_of, save_figure, style
from jaxmorph.figures.numbers import plain, short, uncertain, uncertain_between, uncertain_parts
from jaxmorph.sensitivity.estimator import declared

SHAPES: dict[str, dict[str, Any]] = {
    "usual": {"n_parameters": 2, "n_observables": 2, "n_samples": 16},
    "grid": {"n_parameters": 2, "n_observables": 2, "design": "grid", "side": 4},
    "smallest": {
        "n_parameters": 1, "n_observables": 1, "n_times": 1, "n_samples": 1, "n_seeds": 1,
    },
    "one seed": {"n_parameters": 2, "n_observables": 1, "n_seeds": 1},
    "one time": {"n_parameters": 2, "n_observables": 1, "n_times": 1},
    "many seeds": {"n_parameters": 1, "n_observables": 1, "n_seeds": 100},
    "grid of one": {"n_parameters": 2, "n_observables": 1, "design": "grid", "side": 1},
    "no spread between seeds": {"n_parameters": 2, "n_observables": 1, "noise": 0.0},
    "deterministic": {"n_parameters": 3, "n_observables": 1, "n_times": 1, "stochastic": False},
    "saltelli": {"n_parameters": 2, "n_observables": 1, "n_samples": 8, "design": "saltelli"},
    "morris": {"n_parameters": 2, "n_observables": 1, "n_samples": 8, "design": "morris"},
    "fast": {"n_parameters": 2, "n_observables": 1, "design": "fast"},
    "one at a time": {"n_parameters": 2, "n_observables": 1, "design": "one-at-a-time"},
    "exploding": {"n_parameters": 2, "n_observables": 1, "explode": True},
}  # fmt: skip

COMMON = ("usual", "grid", "smallest", "deterministic", "morris", "exploding")
"""The other shapes are drawn by slow tests."""

# What is drawn from values, or from pathwise gradients whatever the estimator.
VALUES_ONLY = ("noise", "numerical_checks")
MINUS = "\N{MINUS SIGN}"


@pytest.mark.parametrize("name", ["tornado", "gradient_trust", "heat_map", "noise", "numerical_checks"])
def test_a_bias_is_written_below_figures_of_gradients(name: str) -> None:
    sensitivity, checks = _datasets({"n_parameters": 2, "n_observables": 1})
    said = "Gradients are biased."
    for attributes, expected in (({}, False), ({"gradient_bias": said}, name not in VALUES_ONLY)):
        figure, _ = draw(name, sensitivity.assign_attrs(attributes), checks)
        assert (said in figure.get_supxlabel()) == expected


def _datasets(shape: dict[str, Any]) -> tuple[xr.Dataset, xr.Dataset]:
    known = ("n_parameters", "n_observables", "n_times")
    checks = synthetic.checks(**{key: value for key, value in shape.items() if key in known})
    if shape.get("explode"):
        return synthetic.exploding(**{k: v for k, v in shape.items() if k != "explode"}), checks
    return synthetic.sensitivity(**shape), checks


def _names(sensitivity: xr.Dataset) -> list[str]:
    return figure_names(sensitivity.attrs["design_method"], sensitivity.sizes["parameter"])


@pytest.fixture(scope="module")
def usual() -> tuple[xr.Dataset, xr.Dataset]:
    return _datasets({"n_parameters": 3, "n_observables": 3, "n_samples": 8})


@pytest.mark.parametrize(
    "shape",
    [
        pytest.param(shape, id=name, marks=() if name in COMMON else pytest.mark.slow)
        for name, shape in SHAPES.items()
    ],
)
def test_every_figure_draws_every_shape_without_a_warning(shape: dict[str, Any]) -> None:
    sensitivity, checks = _datasets(shape)
    for name in _names(sensitivity):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            figure, data = draw(name, sensitivity, checks)
        assert len(data) > 0
        assert figure.get_figwidth() * style.INCH <= 183.01


def test_a_figure_is_saved_as_two_pictures_and_its_data(
    tmp_path: Path, usual: tuple[xr.Dataset, xr.Dataset]
) -> None:
    written = save_figure(*draw("global_sensitivity", *usual), tmp_path / "global_sensitivity")
    assert [path.suffix for path in written] == [".svg", ".pdf", ".csv"]
    assert sorted(tmp_path.iterdir()) == sorted(written), "nothing partial is left"


@pytest.mark.parametrize("name", ["tornado", "heat_map", "time_course", "seed_spread"])
def test_nothing_lies_outside_the_page_or_on_its_neighbour(name: str) -> None:
    check_arrangement(draw(name, *_datasets(LARGEST))[0])


@pytest.mark.parametrize("hole", [np.nan, pytest.param(np.inf, marks=pytest.mark.slow), 0.0])
def test_holes_in_the_data_are_drawn_as_holes(hole: float, usual: tuple[xr.Dataset, xr.Dataset]) -> None:
    sensitivity, checks = usual[0].copy(deep=True), usual[1].copy(deep=True)
    sensitivity["elasticity_average"][-1, 0, 1] = hole if hole != np.inf else np.nan
    sensitivity["central_gradient"][:, -1, 0, 1] = hole
    sensitivity["gradient_mean"][:, -1, 0, 1] = hole
    sensitivity["mean"][2, -1, 1] = hole
    checks["relative_difference"][..., 0, 1] = hole
    checks["finite_difference"][..., 0, 1] = hole
    for variable in ("total_bound", "eigenvalue", "noise_share", "gradient_variance"):
        sensitivity[variable][-1] = hole
    for name in _names(sensitivity):
        figure, _ = draw(name, sensitivity, checks)
        if name in ("tornado", "response", "numerical_checks", "active_subspace"):
            figure.draw_without_rendering()


ONE_OF_EACH_KIND = ("tornado", "gradient_field", "active_subspace", "identifiability")
"""Bars, a map with arrows, dots and bars of error, a table in colours."""


def test_made_again_all_files_are_the_same_to_the_byte(tmp_path: Path) -> None:
    _save_all(str(tmp_path / "here"))
    script = (
        "import sys; sys.path[:0] = ['tests', '.']\n"
        "import test_figures; test_figures._save_all(sys.argv[1])"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "elsewhere")]
    subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
    first = sorted((tmp_path / "here").iterdir())
    assert len(first) == 3 * len(ONE_OF_EACH_KIND)
    for path in first:
        assert path.read_bytes() == (tmp_path / "elsewhere" / path.name).read_bytes(), path.name


def _save_all(folder: str) -> None:
    shape: dict[str, Any] = {"n_parameters": 2, "n_observables": 1}
    sensitivity = synthetic.sensitivity(**shape, n_times=3, n_seeds=4, design="grid", side=3)
    for name in ONE_OF_EACH_KIND:
        save_figure(*draw(name, sensitivity, synthetic.checks(**shape)), f"{folder}/{name}")


def test_nothing_global_changes(usual: tuple[xr.Dataset, xr.Dataset]) -> None:
    before = dict(matplotlib.rcParams)
    draw("tornado", usual[0])
    assert dict(matplotlib.rcParams) == before


def printed_by(script: str) -> str:
    """What a fresh interpreter prints."""
    run = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    )
    return run.stdout.strip()


def test_figures_need_neither_jax_nor_pyplot() -> None:
    script = (
        "import sys; sys.path[:0] = ['tests', '.']\n"
        "from support import synthetic; from jaxmorph.figures import draw; import jaxmorph.report\n"
        "draw('tornado', synthetic.sensitivity())\n"
        "print([m for m in ('jax', 'matplotlib.pyplot') if m in sys.modules])\n"
    )
    assert printed_by(script) == "[]"


def test_listing_the_figures_does_not_import_matplotlib() -> None:
    script = (
        "import sys; from jaxmorph.figures import figure_names; figure_names('grid', 2)\n"
        "print('matplotlib' in sys.modules)"
    )
    assert printed_by(script) == "False"


def test_each_figure_of_the_catalogue_has_its_module() -> None:
    for name in CATALOGUE:
        assert callable(importlib.import_module(module_of(name)).draw)


def test_which_figures_a_run_has() -> None:
    assert "gradient_field" in figure_names("grid", 2)
    assert "gradient_field" not in figure_names("grid", 3)
    assert "gradient_field" not in figure_names("sobol", 2)
    assert "numerical_checks" not in figure_names("sobol", 2, checks=False)
    assert "screening" in figure_names("morris", 2)
    assert "screening" not in figure_names("saltelli", 2)
    assert not any(name.startswith("optimisation") for name in figure_names("sobol", 2))
    more = set(figure_names("sobol", 2, optimise=True)) - set(figure_names("sobol", 2))
    assert more == {name for name, entry in CATALOGUE.items() if entry.part == "optimisation"}


def test_the_catalogue_says_what_each_figure_needs_and_in_which_part_it_is() -> None:
    for name, entry in CATALOGUE.items():
        assert entry.part in ("overview", "depth", "checks", "optimisation"), name
        assert entry.needs or not entry.otherwise, name
        assert set(entry.needs) <= set(entry.variables), name
        assert entry.otherwise.startswith("needs") or not entry.otherwise, name
    everything = {str(name) for name in synthetic.checks().variables}
    everything |= {str(name) for name in synthetic_optimisation.optimisation().variables}
    for design in ("saltelli", "morris", "sobol"):
        shape: dict[str, Any] = {
            "n_parameters": 2,
            "n_observables": 1,
            "n_samples": 8,
            "design": design,
        }
        everything |= {str(name) for name in synthetic.sensitivity(**shape).variables}
    everything |= {quantity.name for quantity in declared()}
    for name, entry in CATALOGUE.items():
        for variable in entry.variables:
            assert fnmatch.filter(everything, variable), f"{name} names {variable}, that no file has"


def test_bad_requests_are_answered_readably(usual: tuple[xr.Dataset, xr.Dataset]) -> None:
    with pytest.raises(JaxmorphError, match="no figure 'histogram': choose one of global_sensitivity"):
        draw("histogram", usual[0])
    with pytest.raises(JaxmorphError, match=r"drawn from checks\.nc"):
        draw("numerical_checks", usual[0])
    with pytest.raises(JaxmorphError, match="grid of 2 parameters, got 3"):
        draw("gradient_field", usual[0])
    with pytest.raises(JaxmorphError, match="needs the variable 'elasticity_average'"):
        draw("tornado", usual[0].drop_vars("elasticity_average"))


def test_csv_holds_the_numbers_of_the_dataset(
    tmp_path: Path, usual: tuple[xr.Dataset, xr.Dataset]
) -> None:
    figure, data = draw("tornado", usual[0])
    save_figure(figure, data, tmp_path / "tornado")
    table = pd.read_csv(tmp_path / "tornado.csv").set_index(["observable", "parameter"])
    last = usual[0].isel(time=-1)
    for (observable, parameter), row in table.iterrows():
        one = last.sel(observable=observable, parameter=parameter)
        for variable in ("elasticity_average", "elasticity_average_low"):
            assert row[variable] == float(one[variable])
        assert row["elasticity_spread_90"] == float(one["elasticity_spread"].sel(quantile=0.9))


def test_tornado_ranks_by_size(usual: tuple[xr.Dataset, xr.Dataset]) -> None:
    figure, _ = draw("tornado", usual[0])
    last = usual[0].isel(time=-1)
    for ax in figure.axes:
        observable = ax.get_title().replace(" ", "_")
        order = [label.get_text().replace(" ", "_") for label in ax.get_yticklabels()]
        size = abs(last["elasticity_average"].sel(observable=observable))
        assert order == list(size.sortby(size, ascending=False)["parameter"].values)


def test_tangents_have_the_slope_of_the_gradient() -> None:
    checks = synthetic.checks(n_parameters=4, n_observables=1)
    figure, _ = draw("response", synthetic.sensitivity(n_parameters=4, n_observables=1), checks)
    last = checks.isel(time=-1, observable=0)
    logarithmic = style.logarithmic(last)
    assert any(logarithmic.values()) and not all(logarithmic.values())
    for i, parameter in enumerate(last["parameter"].values):
        x, y = figure.axes[0].lines[3 * i + 1].get_data()
        x, y = np.asarray(x).reshape(-1, 3), np.asarray(y).reshape(-1, 3)
        expected = last["line_gradient"].sel(parameter=parameter).values
        value = last["line_parameter"].sel(parameter=parameter).values
        # From 0 to 1 along the line, on the parameter's natural scale.
        ends = np.log(value) if logarithmic[parameter] else value
        run = (x[:, 1] - x[:, 0]) * np.ptp(ends) * (value if logarithmic[parameter] else 1)
        np.testing.assert_allclose((y[:, 1] - y[:, 0]) / run, expected, rtol=1e-9)


def test_seed_spread_counts_the_seeds_with_the_wrong_sign() -> None:
    sensitivity = synthetic.sensitivity(n_parameters=1, n_observables=1, n_seeds=8)
    sensitivity["central_gradient"][:, -1, 0, 0] = [3, 4, 5, 4, 3, -1, -2, 4]
    figure, _ = draw("seed_spread", sensitivity)
    assert "2/8" in [text.get_text() for text in figure.axes[0].texts]


def test_arrows_point_along_gradients_times_ranges() -> None:
    sensitivity = synthetic.sensitivity(n_parameters=2, n_observables=1, design="grid", side=4)
    figure, _ = draw("gradient_field", sensitivity)
    arrows = next(c for c in figure.axes[0].collections if isinstance(c, Quiver))
    last = sensitivity.isel(time=-1, observable=0)
    span = last["parameter_value"].max("sample") - last["parameter_value"].min("sample")
    scaled = (last["gradient_mean"] * span).transpose("parameter", "sample").values
    arrow = np.array([arrows.U, arrows.V])
    length, size = np.hypot(*arrow), np.hypot(*scaled)
    np.testing.assert_allclose(arrow / length, scaled / size, rtol=1e-12)
    np.testing.assert_allclose(length, np.sqrt(size / size.max()), rtol=1e-12)


@pytest.mark.parametrize(
    ("value", "half", "text"),
    [
        (-0.0071615, 0.00027, "-0.0072 ± 0.0003"),
        (18.2541, 0.53, "18.3 ± 0.5"),
        (-5.3109e-4, 1.05e-5, "(-5.31 ± 0.10) × 10⁻⁴"),
        (1234567.0, 8000.0, "(1.235 ± 0.008) × 10⁶"),
        (0.5, None, "0.500"),
        (0.5, 0.0, "0.500"),
        (0.0, 0.2, "0.00 ± 0.20"),
        (float("nan"), 0.1, "not defined"),
        (3.0, 120.0, "0 ± 120"),
        (0.098, 0.0096, "0.098 ± 0.010"),
        (0.32, 0.29, "0.32 ± 0.29"),
        (-0.0341, 0.0338, "-0.0341 ± 0.0338"),
    ],
)
def test_numbers_are_cut_where_their_uncertainty_ends(
    value: float, half: float | None, text: str
) -> None:
    assert uncertain(value, half) == text.replace("-", MINUS)


def test_a_lopsided_interval_is_written_out_where_it_has_no_zero() -> None:
    assert uncertain_between(3.04, 1.6, 1072.0) == "3.0 (1.6 to 1100)"
    assert uncertain_between(3.04, 2.9, 3.1) == "3.04 ± 0.10"
    assert uncertain_between(-0.006, -0.31, 0.025) == f"{MINUS}0.01 ± 0.17"


def test_numbers_without_uncertainty() -> None:
    assert plain(0) == "0"
    assert plain(4.1e-8, 2) == "4.1 × 10⁻⁸"
    assert plain(999.96, 4) == "1000"
    assert plain(float("-inf")) == f"{MINUS}∞"
    assert short(-0.25) == f"{MINUS}0.25"
    assert short(2.5e-4) == f"2.5e{MINUS}4"
    assert uncertain_parts(-0.027, 0.0076) == (f"{MINUS}0.027", "0.008")


def test_the_numbers_beside_the_tornado_are_those_of_the_dataset(
    usual: tuple[xr.Dataset, xr.Dataset],
) -> None:
    last = usual[0].isel(time=-1)
    _, table = draw("tornado", usual[0])
    assert len(table) == last.sizes["observable"] * last.sizes["parameter"]
    for _, row in table.iterrows():
        one = last.sel(observable=row["observable"], parameter=row["parameter"])
        assert row["elasticity_average"] == one["elasticity_average"].item()
        for column, place in (("elasticity_spread_10", 0), ("elasticity_spread_90", -1)):
            assert row[column] == one["elasticity_spread"].isel(quantile=place).item()


def test_the_numbers_beside_the_checks_are_those_of_the_dataset(
    usual: tuple[xr.Dataset, xr.Dataset],
) -> None:
    _, table = draw("numerical_checks", *usual)
    largest = usual[1]["relative_difference"].max("time")
    for _, row in table.iterrows():
        at = {dim: row[dim] for dim in ("sample", "seed", "observable", "parameter")}
        assert row["gradient"] == usual[1]["gradient"].isel(time=-1).sel(at).item()
        assert row["largest_relative_difference"] == largest.sel(at).item()
