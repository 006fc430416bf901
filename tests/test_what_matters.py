"""What is said of functions whose total indices are known: order and words, from all estimates."""

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr
from support.estimated import estimated

from jaxmorph.figures.ranking import changes_sign, evidence, sizes
from jaxmorph.figures.style import final
from jaxmorph.quantities import describe
from jaxmorph.report import findings, observables, summary
from jaxmorph.sensitivity.sobol_indices import FIRST, TOTAL

Function = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


def product(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """x1 x2, and x3 of no effect: total indices 1, 1, 0; nothing alone."""
    x = 2 * x - 1
    gradient = np.stack([2 * x[:, 1], 2 * x[:, 0], np.zeros(len(x))], axis=1)
    return x[:, 0] * x[:, 1], gradient


def wave(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """10 + 3 sin(4 pi p) + q / 2: total indices 0.995 and 0.005."""
    slope = 12 * np.pi * np.cos(4 * np.pi * x[:, 0])
    gradient = np.stack([slope, np.full(len(x), 0.5)], axis=1)
    return 10 + 3 * np.sin(4 * np.pi * x[:, 0]) + x[:, 1] / 2, gradient


def linear(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """10 + 4 x - 2 y + z: total indices 16, 4 and 1 of 21."""
    c = np.array([4.0, -2.0, 1.0])
    return 10 + x @ c, np.broadcast_to(c, x.shape)


def rounded(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The whole part of 1 + 4 k: gradients that are 0 prove nothing."""
    return np.floor(1 + 4 * x[:, 0]), np.zeros(x.shape)


def said(data: xr.Dataset) -> tuple[str, str]:
    found = summary.rankings(data)
    return summary.leading_sentence(found, data), dict(findings.per_observable(data, found))["f"]


def test_two_parameters_that_only_act_together_both_matter() -> None:
    data = estimated(product, ["x1", "x2", "x3"], 256, 16)
    lead, sentence = said(data)
    assert lead == "Which of x2 and x1 matters most for f is open."
    assert sentence.endswith("x3 hardly matters: its share is below 5 %.")
    (ranking,) = summary.rankings(data)
    details = findings.in_detail(final(data).sel(observable="f"), ranking)
    assert details[0].startswith("x2 and x1 have an effect that first-order Sobol index")
    assert details[1:] == [
        "No dependence on x3 is found by a test whose level is 5 % for the run.",
    ]
    assert sorted(ranking.first) == ["x1", "x2"]
    assert "x3" in ranking.zero + ranking.unsure


def test_a_wave_matters_most_although_its_elasticity_averages_to_nothing() -> None:
    data = estimated(wave, ["p", "q"], 64, 16)
    lead, sentence = said(data)
    assert lead == "p matters most for f."
    assert sentence.endswith("q hardly matters: its share is below 5 %.")
    assert "Over the design, p acts in either direction." in sentence
    (ranking,) = summary.rankings(data)
    assert [name for name, _ in observables.sections(data, [ranking])[0].rows][:2] == ["p", "q"]
    by = sizes(final(data).sel(observable="f"), elasticities=True)
    total = 4.5 / (4.5 + 1 / 48)
    assert by.low[0] <= total <= by.high[0] and by.low[1] <= 1 - total <= by.high[1]
    assert by.low[0] > by.high[1]
    assert list(changes_sign(final(data).sel(observable="f"))) == [True, False]


def test_an_additive_function_is_ranked_by_what_each_explains_with_direction() -> None:
    data = estimated(linear, ["x", "y", "z"], 256, 16)
    _, sentence = said(data)
    by = sizes(final(data).sel(observable="f"), elasticities=True)
    truth = np.array([16, 4, 1]) / 21
    assert list(by.order) == [0, 1, 2]
    assert (by.low <= truth).all() and (truth <= by.high).all()
    assert (by.high - by.low < 0.2).all()
    assert "It grows with x (elasticity 0." in sentence and "shrinks with y (" in sentence


def test_gradients_of_zero_do_not_hide_what_the_values_say() -> None:
    data = estimated(rounded, ["k", "x"], 256, 16)
    lead, sentence = said(data)
    assert lead == "k matters most for f."
    assert "with a share of 100 % (98 to 100 %)" in sentence
    assert "does not depend" not in sentence


def _between(**variables: list[float]) -> xr.Dataset:
    data = xr.Dataset(coords={"parameter": ["a", "b", "c"]})
    for name, value in variables.items():
        data[name] = ("parameter", value)
    template = estimated(linear, ["x", "y", "z"], 64, 4)
    for one in (TOTAL, FIRST):
        template[one.name] = (one.dims, np.zeros((1, 1, 3)))
    template = describe(template, (TOTAL, FIRST))
    for name in variables:
        base = name.removesuffix("_low").removesuffix("_high")
        data[name].attrs = template[base].attrs if name == base else {}
    return data


def test_what_is_withheld_for_one_parameter_is_taken_from_the_next_best_estimate() -> None:
    """b has no bound: it lies between what it explains alone and what the others leave."""
    first = {"sobol_first_given_data": [0.2, 0.5, 0.1]}
    ends = {
        "sobol_first_given_data_low": [0.1, 0.4, 0.0],
        "sobol_first_given_data_high": [0.3, 0.6, 0.2],
    }
    bound = {
        "total_bound": [0.4, np.nan, 0.2],
        "total_bound_low": [0.35, np.nan, 0.15],
        "total_bound_high": [0.45, np.nan, 0.25],
    }
    by = sizes(_between(**first, **ends, **bound), elasticities=False)
    others = 1 - (0.3 - np.hypot(0.1, 0.1))
    np.testing.assert_allclose(by.low, [0.1, 0.4, 0.0])
    np.testing.assert_allclose(by.high, [0.45, others, 0.25])
    assert by.order[0] == 1


def test_a_bound_below_what_a_parameter_explains_alone_is_not_used() -> None:
    data = _between(
        sobol_first_given_data=[0.9, 0.05, 0.0],
        sobol_first_given_data_low=[0.85, 0.0, 0.0],
        sobol_first_given_data_high=[0.95, 0.1, 0.05],
        total_bound=[0.0, 0.06, 0.0],
        total_bound_low=[0.0, 0.05, 0.0],
        total_bound_high=[0.0, 0.07, 0.0],
    )
    by = sizes(data, elasticities=False)
    assert by.low[0] == pytest.approx(0.85) and by.high[0] > 0.9
    seen = evidence(data, elasticities=False)[0]
    assert [one.name for one in seen.found] == ["sobol_first_given_data"]
    assert [one.name for one in seen.not_found] == ["total_bound"]
    assert evidence(data, elasticities=False)[2].found == []


def test_an_index_without_an_interval_tells_an_effect_only_beyond_its_documented_error() -> None:
    """FAST: 0.36 and 0.42 at most; an exact zero of it proves nothing, either."""
    data = _between(sobol_total=[0.6, 0.3, 0.0], sobol_first=[0.5, 0.02, 0.0])
    assert [one.name for one in evidence(data, elasticities=False)[0].found] == [
        "sobol_total",
        "sobol_first",
    ]
    for i in (1, 2):
        seen = evidence(data, elasticities=False)[i]
        assert not seen.found
        assert len(seen.not_found) == 2
        assert not seen.exactly_zero
    bounded = data.assign(
        {f"sobol_total_{end}": ("parameter", [x] * 3) for end, x in (("low", 0.2), ("high", 0.7))}
    )
    assert [one.name for one in evidence(bounded, elasticities=False)[1].found] == ["sobol_total"]


@pytest.mark.parametrize("n_seeds", [2, 3])
def test_of_few_seeds_what_has_no_interval_is_no_evidence(n_seeds: int) -> None:
    """Bounds and scores of pure noise are above zero as often as below."""
    data = final(estimated(linear, ["x", "y", "z"], 64, n_seeds)).sel(observable="f")
    assert "total_bound_low" not in data
    seen = evidence(data, elasticities=True)[0]
    assert {one.name for one in seen.found} == {"elasticity_average"}
    assert "total_bound" in {one.name for one in seen.not_found}
    without_noise = data.assign_attrs(stochastic=0)
    assert "total_bound" in {one.name for one in evidence(without_noise, elasticities=True)[0].found}
