"""The figures of global measures, noise, identifiability and trust show the numbers of the dataset."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.patches import Rectangle
from support import synthetic
from support.arrangement import LARGEST, check_arrangement

from jaxmorph.figures import CATALOGUE, draw, nothing_because, style
from jaxmorph.quantities import absent

NEW = [
    "global_sensitivity", "noise", "sensitivity_over_time", "active_subspace", "identifiability",
    "gradient_trust", "convergence",
]  # fmt: skip


@pytest.fixture(scope="module")
def usual() -> tuple[xr.Dataset, xr.Dataset]:
    shape: dict[str, Any] = {"n_parameters": 3, "n_observables": 1}
    return synthetic.sensitivity(**shape, n_samples=8), synthetic.checks(**shape)


@pytest.fixture(scope="module")
def largest() -> xr.Dataset:
    return synthetic.sensitivity(**LARGEST)


@pytest.mark.parametrize("name", NEW)
def test_nothing_lies_outside_the_page_or_on_its_neighbour(name: str, largest: xr.Dataset) -> None:
    check_arrangement(draw(name, largest)[0])


def bars(ax: Axes) -> list[Rectangle]:
    return [patch for patch in ax.patches if isinstance(patch, Rectangle)]


def marked(ax: Axes, marker: str) -> list[tuple[float, float]]:
    """Where a panel has its marks of one shape, one dot a line."""
    found = [line.get_xydata() for line in ax.lines if line.get_marker() == marker]
    return [(float(x), float(y)) for path in found for x, y in np.asarray(path)]


@pytest.mark.parametrize(
    "name", [n for n, e in CATALOGUE.items() if e.needs and e.source.startswith("sensitivity.nc")]
)
def test_without_its_variables_a_figure_says_why_it_is_empty(
    name: str, usual: tuple[xr.Dataset, xr.Dataset]
) -> None:
    entry = CATALOGUE[name]
    bare = usual[0].drop_vars([variable for variable in entry.needs if variable in usual[0]])
    bare = synthetic.declared(bare)
    reason = nothing_because(name, bare)
    assert reason is not None
    assert reason == absent(bare)[entry.needs[-1]]
    assert reason.startswith("needs")
    figure, table = draw(name, bare, usual[1])
    assert entry.title in [text.get_text() for text in figure.texts]
    assert table["nothing_drawn"].item() == reason


def test_bars_of_the_variance_have_the_length_of_their_estimates() -> None:
    sensitivity = synthetic.sensitivity(n_parameters=3, n_observables=1, design="saltelli")
    figure, table = draw("global_sensitivity", sensitivity)
    last = sensitivity.isel(time=-1, observable=0)
    lengths = [bar.get_width() for bar in bars(figure.axes[0])]
    assert lengths[0] == last["noise_share"].item()
    drawn = {round(length, 12) for length in lengths[1:]}
    expected = {round(float(x), 12) for x in last["sobol_total"]}
    expected |= {round(float(x), 12) for x in last["sobol_first"]}
    assert drawn == expected
    assert set(table["sobol_total"]) == set(last["sobol_total"].values)
    labels = [label.get_text().replace(" ", "_") for label in figure.axes[0].get_yticklabels()]
    order = last["sobol_total"].sortby(last["sobol_total"], ascending=False)["parameter"].values
    assert labels == ["noise", *order]


def test_bounds_stand_beside_total_indices_among_the_checks() -> None:
    sensitivity = synthetic.sensitivity(n_parameters=3, n_observables=1, design="saltelli")
    figure, table = draw("bounds", sensitivity)
    last = sensitivity.isel(time=-1, observable=0)
    lengths = sorted(bar.get_width() for bar in bars(figure.axes[0]))
    np.testing.assert_allclose(lengths, np.sort(np.minimum(last["total_bound"], 1.1)))
    dots = sorted(x for x, _ in marked(figure.axes[0], "o"))
    np.testing.assert_allclose(dots, np.sort(last["sobol_total"]))
    assert set(table["total_bound"]) == set(last["total_bound"].values)


def test_a_bound_stands_for_a_total_index_that_is_withheld() -> None:
    sensitivity = synthetic.sensitivity(n_parameters=2, n_observables=2, design="saltelli")
    sensitivity["expansion_q2"] = 0 * sensitivity["sobol_total"].isel(parameter=0, drop=True) + 0.52
    sensitivity["sobol_total"][:, 1] = np.nan
    sensitivity["total_bound"][-1] = 0.7
    figure, _ = draw("global_sensitivity", sensitivity)
    whole, withheld = figure.axes[:2]
    assert 0.7 not in [bar.get_width() for bar in bars(whole)]
    assert [bar.get_width() for bar in bars(withheld)].count(0.7) == 2
    assert "Q² 0.52" in withheld.get_xlabel()
    assert not whole.get_xlabel()


def test_a_bound_beyond_one_is_cut_and_marked() -> None:
    sensitivity = synthetic.sensitivity(n_parameters=1, n_observables=1)
    for beyond, marks in ((7.08, 1), (0.5, 0)):
        for end, share in (("", 1.0), ("_low", 0.9), ("_high", 1.1)):
            sensitivity[f"total_bound{end}"][-1] = share * beyond
        figure, _ = draw("global_sensitivity", sensitivity)
        assert len(marked(figure.axes[0], ">")) == marks
        assert figure.axes[0].get_xlim()[1] < 1.2


def test_flagged_gradients_are_marked_in_every_figure_made_from_them() -> None:
    data = synthetic.sensitivity(n_parameters=3, n_observables=1, n_samples=8)
    data["gradient_unreliable"][0, 1] = True
    figure, _ = draw("tornado", data)
    labels = {label.get_text(): label.get_color() for label in figure.axes[0].get_yticklabels()}
    assert labels["alpha ×"] == style.FLAGGED
    assert {"epsilon", "max radius"} <= set(labels)
    for name in ("heat_map", "time_course", "sensitivity_over_time", "gradient_trust"):
        figure, _ = draw(name, data)
        crosses = [at for ax in figure.axes for at in marked(ax, "x")]
        assert len(crosses) == 1, name


def test_indices_that_are_not_from_gradients_carry_no_flag() -> None:
    data = synthetic.sensitivity(n_parameters=2, n_observables=1, n_samples=8, design="saltelli")
    data["gradient_unreliable"][:] = True
    figure, _ = draw("sensitivity_over_time", data)
    assert not marked(figure.axes[0], "x")


def test_dots_of_the_screening_lie_at_its_numbers() -> None:
    data = synthetic.sensitivity(n_parameters=3, n_observables=1, n_samples=8, design="morris")
    figure, _ = draw("screening", data)
    last = data.isel(time=-1, observable=0)
    found = [at for marker in "osD" for at in marked(figure.axes[0], marker)]
    expected = zip(last["morris_mu_star"].values, last["morris_sigma"].values, strict=True)
    assert found == [(float(x), float(y)) for x, y in expected]


def test_an_eigenvalue_below_zero_is_drawn_as_below_noise() -> None:
    data = synthetic.sensitivity(n_parameters=3, n_observables=1)
    data["eigenvalue"][-1, 0] = [1.0, 1e-3, -0.02]
    figure, table = draw("active_subspace", data)
    ax = figure.axes[0]
    assert marked(ax, "o") == [(1, 1.0), (2, 1e-3)]
    ((place, height),) = marked(ax, "v")
    assert place == 3
    assert ax.get_ylim()[0] < height < 1e-3
    assert table["eigenvalue"].min() == -0.02, "the data keep the sign"
    weights = [bar.get_width() for bar in bars(figure.axes[1])]
    expected = data["active_direction"].isel(time=-1, observable=0, component=0).values
    assert sorted(weights) == sorted(expected)


def test_bounds_on_what_can_be_known_are_told_from_the_design() -> None:
    data = synthetic.sensitivity(n_parameters=3, n_observables=2)
    data["cramer_rao_sd"][:] = [0.2, 5.0, np.inf]
    data["cramer_rao_sd_low"][:] = [0.1, 4.0, np.inf]
    data["cramer_rao_sd_high"][:] = [0.3, 6.0, np.inf]
    figure, table = draw("identifiability", data)
    drawn = bars(figure.axes[0])
    assert [bar.get_x() + bar.get_width() for bar in drawn] == pytest.approx([0.2, 5.0])
    assert [bar.get_facecolor() for bar in drawn] == [to_rgba(style.DARK), to_rgba(style.PALE)]
    assert "not bounded" in [text.get_text() for text in figure.axes[0].texts]
    rows = table[table["component"] == 1].set_index("parameter")["parameter_correlation_with_alpha"]
    assert rows.to_dict() == data["parameter_correlation"].sel(parameter_2="alpha").to_series().to_dict()


def test_a_bound_whose_interval_reaches_across_is_neither_and_its_interval_holds_it() -> None:
    data = synthetic.sensitivity(n_parameters=3, n_observables=1)
    data["cramer_rao_sd"][:] = [0.8, 1.5, 0.5]
    data["cramer_rao_sd_low"][:] = [0.4, 0.9, 0.6]
    data["cramer_rao_sd_high"][:] = [1.1, 2.0, 0.9]
    ax = draw("identifiability", data)[0].axes[0]
    colours = [bar.get_facecolor() for bar in bars(ax)]
    assert colours == [to_rgba(style.MIDDLE), to_rgba(style.MIDDLE), to_rgba(style.DARK)]
    drawn = [np.asarray(line.get_xydata()) for line in ax.lines]
    whiskers = [sorted(xy[:, 0]) for xy in drawn if len(xy) == 2 and xy[0, 1] == xy[1, 1]]
    assert any(np.allclose(ends, [0.5, 0.9]) for ends in whiskers), "0.5 is in its interval"


def test_without_a_bound_the_figure_shows_what_the_mean_tells_and_says_so() -> None:
    data = synthetic.sensitivity(n_parameters=2, n_observables=1)
    data["sd_from_mean"][:] = [0.5, 2.0]
    figure, _ = draw("identifiability", data)
    ax = figure.axes[0]
    assert ax.get_title() == "how uncertain each stays at least"
    assert [y for x, y in marked(ax, "D")] == [0, 1]
    data = data.drop_vars([name for name in data if str(name).startswith("cramer_rao_sd")])
    figure, _ = draw("identifiability", data)
    ax = figure.axes[0]
    assert ax.get_title() == "how uncertain each stays at least\n(from the mean)"
    assert [bar.get_x() + bar.get_width() for bar in bars(ax)] == pytest.approx([0.5, 2.0])
    assert not marked(ax, "D")


def test_convergence_ends_at_the_estimate() -> None:
    data = synthetic.sensitivity(n_parameters=2, n_observables=1)
    figure, table = draw("convergence", data)
    last = data.isel(time=-1, observable=0)
    ax = figure.axes[0]
    ends = sorted(y for x, y in marked(ax, "o") if x == 1)
    assert ends == sorted(2 * [*last["elasticity_average"].values]), "from samples, and from seeds"
    rows = table.query("estimate == 'total_bound' and number_of == 'samples' and used == 64")
    assert sorted(rows["value"]) == sorted(last["total_bound"].values)
    assert set(table["number_of"]) == {"samples", "seeds"}


def test_noise_figure_writes_the_share() -> None:
    data = synthetic.sensitivity(n_parameters=2, n_observables=1)
    data["noise_share"][-1] = 0.374
    figure, _ = draw("noise", data)
    assert [text.get_text() for text in figure.axes[0].texts] == ["37 %"]


def test_of_many_samples_a_part_is_drawn_and_the_figure_says_so() -> None:
    data = synthetic.sensitivity(n_parameters=1, n_observables=1, n_times=2, n_samples=1024, n_seeds=4)
    figure, _ = draw("active_subspace", data)
    assert "256 of 1024 samples are drawn" in str(figure._supxlabel.get_text())  # type: ignore[attr-defined]


def test_a_line_shows_where_gradients_miss_a_jump_and_where_they_are_too_wild(
    usual: tuple[xr.Dataset, xr.Dataset],
) -> None:
    checks = usual[1].copy(deep=True)
    pair = {"observable": 0, "parameter": 0}
    x = checks["line_parameter"][0].values
    checks["line_incomplete"][{"time": -1, **pair}] = True
    checks["jump_from"][pair], checks["jump_to"][pair] = x[2] + 1e-4, x[2] + 2e-4
    checks["line_incomplete"][-1, 0, 1] = True  # nowhere in particular
    checks["line_unresolved"][0, 2] = True
    figure, table = draw("response", usual[0], checks)
    crossed = [ax for ax in figure.axes if any(line.get_marker() == "x" for line in ax.lines)]
    assert crossed == figure.axes[:1]
    (dotted,) = [line for line in crossed[0].lines if line.get_linestyle() == ":"]
    place = (x[2] + 1.5e-4 - x[0]) / (x[-1] - x[0])
    np.testing.assert_allclose(np.asarray(dotted.get_xdata(), float), place)
    assert [text.get_text() for text in crossed[0].texts] == ["× alpha", "? max radius"]
    assert table["line_incomplete"].sum() == 2 * checks.sizes["point"]


def test_checks_show_how_far_forward_and_reverse_mode_are_apart(
    usual: tuple[xr.Dataset, xr.Dataset],
) -> None:
    figure, _ = draw("numerical_checks", *usual)
    labels = [label.get_text() for label in figure.axes[1].get_yticklabels()]
    assert labels[-1] == "forward against\nreverse mode"
    (row,) = [line for line in figure.axes[1].lines if line.get_marker() == "D"]
    np.testing.assert_array_equal(row.get_xdata(), usual[1]["mode_difference"].values.ravel())


def test_figures_of_elasticities_say_where_these_rank_nothing() -> None:
    data = synthetic.sensitivity(n_parameters=2, n_observables=2, n_times=3, n_samples=8)
    assert nothing_because("tornado", data) is None
    data["mean"][0, -1, 0] *= -1
    assert "rank nothing" in draw("tornado", data)[0].axes[0].texts[0].get_text()
    assert not bars(draw("tornado", data)[0].axes[0])
    assert bars(draw("tornado", data)[0].axes[1])
    data["parameter_value"][0, 0] *= -1
    for name in ("tornado", "heat_map", "time_course"):
        reason = nothing_because(name, data)
        assert reason is not None
        assert "keep their sign" in reason
    assert nothing_because("sensitivity_over_time", data.isel(time=[-1])) is not None
