import numpy as np
import pytest

from jaxmorph.designs import (
    Design,
    GridDesign,
    LatinHypercubeDesign,
    ListDesign,
    SobolDesign,
    central_sample,
    count_samples,
    make_design,
)
from jaxmorph.distributions import Distribution, LogNormal, LogUniform, Normal, Uniform
from jaxmorph.errors import JaxmorphError

DISTRIBUTIONS: dict[str, Distribution] = {
    "epsilon": Uniform(low=2, high=4),
    "kT": LogUniform(low=0.5, high=8),
    "gamma": Normal(mean=1, sd=0.1),
}
INTERVALS = {name: DISTRIBUTIONS[name] for name in ("epsilon", "kT")}
RANDOM_DESIGNS: list[Design] = [
    SobolDesign(samples=32, seed=3),
    LatinHypercubeDesign(samples=30, seed=3),
]


@pytest.mark.parametrize("design", RANDOM_DESIGNS)
def test_values_are_the_quantiles_of_the_unit_values(design: Design) -> None:
    values, unit = make_design(design, DISTRIBUTIONS)
    assert values.shape == unit.shape == (count_samples(design, list(DISTRIBUTIONS)), 3)
    assert values.dtype == unit.dtype == np.float64
    for column, distribution in enumerate(DISTRIBUTIONS.values()):
        np.testing.assert_allclose(distribution.cdf(values[:, column]), unit[:, column], rtol=1e-12)


@pytest.mark.parametrize("design", RANDOM_DESIGNS)
def test_a_design_is_a_function_of_its_seed(design: Design) -> None:
    first, again = make_design(design, DISTRIBUTIONS), make_design(design, DISTRIBUTIONS)
    np.testing.assert_array_equal(first, again)
    other = make_design(design.model_copy(update={"seed": 4}), DISTRIBUTIONS)
    assert not np.any(other[1] == first[1])


@pytest.mark.parametrize("dimensions", [1, 2, 6, 20])
def test_a_longer_sobol_sequence_begins_with_the_shorter(dimensions: int) -> None:
    distributions: dict[str, Distribution] = {f"p{i}": Uniform(low=0, high=1) for i in range(dimensions)}
    short, _ = make_design(SobolDesign(samples=64, seed=5), distributions)
    long, _ = make_design(SobolDesign(samples=128, seed=5), distributions)
    np.testing.assert_array_equal(long[:64], short)


def test_sobol_fills_every_dyadic_interval() -> None:
    _, unit = make_design(SobolDesign(samples=64), DISTRIBUTIONS)
    for column in unit.T:
        assert sorted(np.floor(column * 64)) == list(range(64))


def test_a_latin_hypercube_has_one_sample_in_each_bin() -> None:
    _, unit = make_design(LatinHypercubeDesign(samples=30), DISTRIBUTIONS)
    for column in unit.T:
        assert sorted(np.floor(column * 30)) == list(range(30))


def test_unit_values_at_the_ends_give_finite_values(monkeypatch: pytest.MonkeyPatch) -> None:
    from scipy.stats import qmc

    monkeypatch.setattr(qmc.Sobol, "random", lambda *_: np.array([[0.0, 0.0], [1.0, 1.0]]))
    infinite: dict[str, Distribution] = {
        "a": Normal(mean=0, sd=1),
        "b": LogNormal(median=1, sd_log=1),
    }
    values, unit = make_design(SobolDesign(samples=2), infinite)
    assert np.isfinite(values).all()
    assert ((unit > 0) & (unit < 1)).all()


def test_a_grid_is_the_cartesian_product_with_the_first_parameter_slowest() -> None:
    values, unit = make_design(GridDesign(points={"epsilon": 2, "kT": 3}), INTERVALS)
    expected = [[2, 0.5], [2, 2], [2, 8], [4, 0.5], [4, 2], [4, 8]]
    np.testing.assert_allclose(values, np.array(expected), rtol=1e-12)
    np.testing.assert_allclose(unit, np.array([[0, 0], [0, 0.5], [0, 1], [1, 0], [1, 0.5], [1, 1]]))
    assert values[0].tolist() == [2, 0.5] and values[-1].tolist() == [4, 8]


def test_the_counts_of_a_grid_belong_to_names_not_to_places() -> None:
    swapped = GridDesign(points={"kT": 3, "epsilon": 2})
    given = make_design(GridDesign(points={"epsilon": 2, "kT": 3}), INTERVALS)
    np.testing.assert_array_equal(make_design(swapped, INTERVALS), given)


def test_one_count_serves_all_parameters() -> None:
    values, _ = make_design(GridDesign(points=4), INTERVALS)
    assert values.shape == (16, 2)
    assert count_samples(GridDesign(points=4), list(INTERVALS)) == 16


def test_a_grid_over_a_normal_distribution_is_refused() -> None:
    with pytest.raises(JaxmorphError) as error:
        make_design(GridDesign(points=2), DISTRIBUTIONS)
    assert str(error.value) == (
        "design: a grid needs a uniform or log-uniform distribution for every parameter; gamma is normal"
    )


def test_a_list_is_taken_as_it_is() -> None:
    design = ListDesign(points=({"kT": 2, "epsilon": 3}, {"epsilon": 2.5, "kT": 8}))
    values, unit = make_design(design, INTERVALS)
    np.testing.assert_array_equal(values, [[3, 2], [2.5, 8]])
    np.testing.assert_allclose(unit, [[0.5, 0.5], [0.25, 1]])


def test_the_central_sample_is_near_the_middle_in_every_coordinate() -> None:
    # The second is nearer in Euclidean distance, but far off in one coordinate.
    unit = np.array([[0.1, 0.5, 0.5], [0.5, 0.5, 0.19], [0.7, 0.7, 0.7], [0.3, 0.3, 0.3]])
    assert central_sample(unit) == 2
    assert central_sample(make_design(GridDesign(points=7), INTERVALS)[1]) == 24
    assert central_sample(make_design(GridDesign(points=2), INTERVALS)[1]) == 0
