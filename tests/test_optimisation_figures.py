"""The figures of an optimisation show the numbers of the dataset, which follow from a known loss."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from matplotlib.collections import QuadMesh
from matplotlib.lines import Line2D
from scipy import stats
from support.arrangement import check_arrangement
from support.synthetic_optimisation import STIFFNESS, Problem, before_and_after, none_ended, optimisation

from jaxmorph import animations
from jaxmorph.animations import sheet
from jaxmorph.animations.clusters import titles
from jaxmorph.errors import JaxmorphError
from jaxmorph.figures import CATALOGUE, draw, save_figure, style
from jaxmorph.figures.optimisation import courses, paths, starts

NAMES = [name for name, entry in CATALOGUE.items() if entry.source == "optimisation.nc"]
SHAPES: dict[str, dict[str, Any]] = {
    "usual": {},
    "one free, one time": {"n_free": 1, "n_optima": 1, "n_times": 1, "stopped": ()},
    "one start": {"n_starts": 1, "n_optima": 1, "stopped": ()},
    "five free, some flat": {"n_free": 5, "n_starts": 16, "n_flat": 2},
    "deterministic": {"noise": 0.0, "n_seeds": 1, "seeds_per_step": 1},
    "many starts and steps": {"n_starts": 64, "n_steps": 2000},
}


@pytest.fixture(scope="module")
def usual() -> xr.Dataset:
    return optimisation()


def points(line: Line2D) -> np.ndarray:
    """(n, 2): what a line was drawn through."""
    return np.asarray(line.get_xydata(), float)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES.keys())
def test_every_figure_draws_every_shape_without_a_warning(shape: dict[str, Any]) -> None:
    data = optimisation(**shape)
    for name in NAMES:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            figure, table = draw(name, optimisation=data)
        assert len(table) > 0
        assert figure.get_figwidth() * style.INCH <= 183.01


@pytest.mark.parametrize("name", NAMES)
def test_a_file_with_the_least_is_drawn(name: str) -> None:
    least = optimisation().drop_vars(
        ["loss_se", "lower_bound", "upper_bound", "map_loss", "covariance", "parameter_low"]
    )
    least = least.drop_vars(["parameter_high", "profile_loss_se", "target_value", "target_error"])
    least.attrs = {}
    assert len(draw(name, optimisation=least)[1]) > 0


@pytest.mark.parametrize("name", NAMES)
def test_without_an_optimum_the_rest_is_drawn(name: str) -> None:
    table = draw(name, optimisation=none_ended())[1]
    assert ("nothing_drawn" in table) == (name == "optimisation_profiles")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shape", [{"n_free": 5, "n_starts": 40}, {}], ids=["large", "usual"])
def test_nothing_lies_outside_the_page_or_on_its_neighbour(name: str, shape: dict[str, Any]) -> None:
    check_arrangement(draw(name, optimisation=optimisation(**shape))[0])


def test_without_its_file_a_figure_says_so() -> None:
    with pytest.raises(JaxmorphError, match=r"drawn from optimisation\.nc, which was not given"):
        draw("optimisation_loss")


def test_a_map_of_pixels_is_the_same_bytes_when_made_again(tmp_path: Path, usual: xr.Dataset) -> None:
    made = [
        [p.read_bytes() for p in save_figure(*draw("optimisation_paths", optimisation=usual), stem)]
        for stem in (tmp_path / "first", tmp_path / "again")
    ]
    assert made[0] == made[1]


def test_starts_are_ranked_by_fresh_seeds_and_stopped_ones_come_last(usual: xr.Dataset) -> None:
    order = starts.ranked(usual)
    assert order[-1] == 3
    after = usual["evaluation_loss_after"].mean("evaluation_seed").values[order[:-1]]
    assert (np.diff(after) >= 0).all()
    assert starts.best_start(usual) == order[0] == int(usual["optimum_start"][0])
    shuffled = usual.isel(start=[7, 3, 1, 0, 2, 6, 5, 4])
    assert shuffled["start"].values[starts.best_start(shuffled)] == order[0]


def test_starts_of_one_optimum_have_one_colour(usual: xr.Dataset) -> None:
    of_start = usual["optimum_of_start"].values
    found = starts.colours(usual)
    for optimum, colour in ((0, style.RANKS[0]), (1, style.RANKS[1]), (-1, style.GREY)):
        assert {found[i] for i in np.flatnonzero(of_start == optimum)} == {colour}


def test_the_curves_are_the_loss_of_each_start_and_the_best_is_in_front(usual: xr.Dataset) -> None:
    figure, table = draw("optimisation_loss", optimisation=usual)
    lines = [line for line in figure.axes[0].lines if len(points(line)) > 1]
    best = starts.best_start(usual)
    np.testing.assert_array_equal(points(lines[-1])[:, 1], usual["loss"].isel(start=best))
    assert lines[-1].get_zorder() > max(line.get_zorder() for line in lines[:-1])
    crosses = [points(line) for line in figure.axes[0].lines if line.get_marker() == "x"]
    np.testing.assert_allclose(np.concatenate(crosses), [[37, float(usual["loss"][3, 37])]])
    one = table[(table["start"] == 2) & (table["step"] == 10)].iloc[0]
    assert one["loss"] == float(usual["loss"][2, 10])
    band = np.asarray(figure.axes[0].collections[-1].get_paths()[0].vertices)
    half = stats.t.ppf(0.975, 7) * float(usual["loss_se"][best, 0])
    assert np.ptp(band[band[:, 0] == 0, 1]) == pytest.approx(2 * half)


def test_many_steps_are_thinned_but_no_start_loses_its_end() -> None:
    data = optimisation(n_steps=2000, stopped=(3,))
    shown = data["step"].values[starts.shown_steps(data)]
    assert len(shown) <= starts.MOST_STEPS + data.sizes["start"]
    assert {0, 37, 1000, 2000} <= set(shown)


def test_the_map_and_the_paths_are_those_of_the_dataset(usual: xr.Dataset) -> None:
    figure, table = draw("optimisation_paths", optimisation=usual)
    mesh = next(c for c in figure.axes[0].collections if isinstance(c, QuadMesh))
    np.testing.assert_array_equal(mesh.get_array(), usual["map_loss"].transpose("map_1", "map_0"))
    lines = [points(line) for line in figure.axes[0].lines]
    path = usual["parameter_value"].isel(start=starts.best_start(usual))
    assert any(np.array_equal(line, path) for line in lines)
    assert table["map_loss"].min() == float(usual["map_loss"].min())
    low = usual["map_value_0"].values.min(), usual["map_value_1"].values.min()
    assert (figure.axes[0].get_xlim()[0], figure.axes[0].get_ylim()[0]) == pytest.approx(low)


def test_of_many_parameters_the_three_stiffest_are_paired() -> None:
    data = optimisation(n_free=5)
    assert paths.stiffest(data)[:3] == Problem(5).names[:3]
    data["hessian_eigenvalue"].values[:] = data["hessian_eigenvalue"].values[:, ::-1].copy()
    assert paths.stiffest(data)[:3] == ["kT", "growth_rate", "max_radius"]
    figure, _ = draw("optimisation_paths", optimisation=optimisation(n_free=5))
    assert [(ax.get_xlabel(), ax.get_ylabel()) for ax in figure.axes] == [
        ("epsilon", "alpha"), ("epsilon", "max radius"), ("alpha", "max radius"),
    ]  # fmt: skip


def test_the_ellipse_holds_95_percent() -> None:
    covariance = np.array([[4.0, 1.0], [1.0, 1.0]])
    edge = paths.ellipse(np.array([1.0, -1.0]), covariance) - [1.0, -1.0]
    distance = np.einsum("np,pq,nq->n", edge, np.linalg.inv(covariance), edge)
    np.testing.assert_allclose(distance, stats.chi2.ppf(0.95, 2))
    assert len(paths.ellipse(np.zeros(2), np.diag([1.0, np.nan]))) == 0
    assert len(paths.ellipse(np.zeros(2), np.diag([1.0, -1.0]))) == 0


def test_courses_are_means_over_seeds_of_the_best_start(usual: xr.Dataset) -> None:
    data = courses.statistics(usual)
    course = usual["course_after"].isel(start=starts.best_start(usual), time=-1, observable=0).values
    at_end = data.isel(time=-1, observable=0)
    low, high = stats.t.interval(0.95, 63, course.mean(), stats.sem(course))
    assert float(at_end["after_mean"]) == pytest.approx(course.mean())
    assert float(at_end["after_mean_low"]) == pytest.approx(low)
    assert float(at_end["after_mean_high"]) == pytest.approx(high)
    assert float(at_end["after_quantile_90"]) == pytest.approx(np.quantile(course, 0.9))
    figure, table = draw("optimisation_courses", optimisation=usual)
    targets = [line for line in figure.axes[0].lines if line.get_marker() == "o"]
    np.testing.assert_allclose(points(targets[0])[:, 1], usual["target_value"].isel(observable=0))
    assert not [line for line in figure.axes[1].lines if line.get_marker() == "o"]
    assert table["target_value"].count() == usual.sizes["time"]


def test_parameters_lead_from_the_first_to_the_last_value(usual: xr.Dataset) -> None:
    _, table = draw("optimisation_parameters", optimisation=usual)
    problem = Problem()
    rows = table.set_index(["start", "parameter"])
    for start, optimum in enumerate(usual["optimum_of_start"].values):
        for i, name in enumerate(problem.names):
            row = rows.loc[(start, name)]
            assert row["parameter_value_before"] == float(usual["parameter_value"][start, 0, i])
            last = int(usual["steps_done"][start])
            assert row["parameter_value_after"] == float(usual["parameter_value"][start, last, i])
            if optimum >= 0:
                truth = problem.parameter(problem.centre[optimum])[i]
                assert row["parameter_low"] < truth < row["parameter_high"]
            else:
                assert np.isnan(row["parameter_low"])


def test_a_logarithmic_parameter_has_a_logarithmic_axis() -> None:
    figure, _ = draw("optimisation_parameters", optimisation=optimisation(n_free=4))
    assert [ax.get_xscale() for ax in figure.axes] == ["linear", "linear", "linear", "log"]


def test_profiles_lie_on_the_parabola_of_the_hessian(usual: xr.Dataset) -> None:
    figure, table = draw("optimisation_profiles", optimisation=usual)
    for ax, stiffness in zip(figure.axes[:2], STIFFNESS, strict=False):
        dots = [line for line in ax.lines if line.get_marker() == "o"]
        curves = [line for line in ax.lines if line.get_marker() == "None"]
        for dot, curve in zip(dots, curves, strict=True):
            x, y = points(dot).T
            np.testing.assert_allclose(y - y.min(), 0.5 * stiffness * x**2, atol=1e-12)
            np.testing.assert_allclose(np.interp(0, *points(curve).T), y.min(), atol=1e-12)
    assert set(table["hessian_eigenvalue"].dropna()) == set(STIFFNESS[:2])


def test_improvement_is_that_of_the_dataset_with_its_interval(usual: xr.Dataset) -> None:
    figure, table = draw("optimisation_improvement", optimisation=usual)
    problem = Problem()
    rows = table.set_index("start")
    for start in range(usual.sizes["start"]):
        if start == 3:
            continue
        z = [np.log(share / (1 - share)) for share in _shares(usual, problem, start)]
        truth = float(problem.loss(z[0]) - problem.loss(z[1]))
        assert rows.loc[start, "improvement"] == pytest.approx(truth, abs=0.05)
    assert figure.axes[1].texts[0].get_text() == "stopped: not finite"


def _shares(data: xr.Dataset, problem: Problem, start: int) -> np.ndarray:
    """(2, free): how far between the bounds a start began and ended."""
    value = data["parameter_value"].isel(start=start, step=[0, int(data["steps_done"][start])]).values
    return (value - problem.low) / (problem.high - problem.low)


@pytest.mark.parametrize("cells", [True, False])
def test_the_film_names_before_and_after(
    cells: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sheet, "MOVING_FRAMES", 3)
    animations.before_and_after_animation(before_and_after(cells), tmp_path / "film.mp4")
    assert animations.poster(tmp_path / "film.mp4")[:8] == b"\x89PNG\r\n\x1a\n"
    if cells:
        stages = [text.split(":")[0] for text in titles(before_and_after().isel(seed=0))]
        assert stages == ["before", "after"]
