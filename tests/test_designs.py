import itertools
import warnings

import numpy as np
import pytest
from pydantic import TypeAdapter
from scipy import stats

from jaxmorph.designs import (
    Correlation,
    Design,
    FastDesign,
    GridDesign,
    LatinHypercubeDesign,
    ListDesign,
    MorrisDesign,
    OneAtATimeDesign,
    SaltelliDesign,
    SobolDesign,
    central_sample,
    corner_points,
    correlation_factor,
    count_samples,
    design_weights,
    make_design,
    represents,
    shortest_design,
    spread_samples,
    unit_size,
)
from jaxmorph.distributions import (
    Distribution,
    LogNormal,
    LogUniform,
    Normal,
    TruncatedNormal,
    Uniform,
)
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
    SaltelliDesign(samples=16, seed=3),
    MorrisDesign(trajectories=12, levels=6, seed=3),
    FastDesign(samples=70, seed=3),
]
EVERY_DESIGN: list[Design] = [
    *RANDOM_DESIGNS,
    OneAtATimeDesign(points=4),
    GridDesign(points=3),
    ListDesign(points=({"epsilon": 3, "kT": 2}, {"epsilon": 2.5, "kT": 8})),
]
COUPLED = (Correlation(between=("kT", "epsilon"), coefficient=0.8),)


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
    # The levels of a Morris design are few: some agree by chance.
    assert np.mean(other[1] == first[1]) < (0.5 if isinstance(design, MorrisDesign) else 1e-9)


@pytest.mark.parametrize("dimensions", [1, 2, 6, 20])
@pytest.mark.parametrize(
    ("short", "long"),
    [
        (SobolDesign(samples=64, seed=5), SobolDesign(samples=128, seed=5)),
        (SaltelliDesign(samples=8, seed=5), SaltelliDesign(samples=32, seed=5)),
        (MorrisDesign(trajectories=5, seed=5), MorrisDesign(trajectories=9, seed=5)),
    ],
)
def test_a_longer_design_begins_with_the_shorter(short: Design, long: Design, dimensions: int) -> None:
    distributions: dict[str, Distribution] = {f"p{i}": Uniform(low=0, high=1) for i in range(dimensions)}
    first, _ = make_design(short, distributions)
    both, _ = make_design(long, distributions)
    assert len(both) == count_samples(long, list(distributions)) > len(first)
    np.testing.assert_array_equal(both[: len(first)], first)


@pytest.mark.parametrize("design", EVERY_DESIGN)
def test_the_shortest_design_has_the_wanted_points(design: Design) -> None:
    whole, _ = make_design(design, INTERVALS)
    for stop in (1, len(whole) // 2, len(whole)):
        shorter = shortest_design(design, list(INTERVALS), stop)
        assert TypeAdapter(Design).validate_python(shorter.model_dump(mode="json")) == shorter
        np.testing.assert_array_equal(make_design(shorter, INTERVALS)[0][:stop], whole[:stop])


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


def test_warnings_of_salib_and_ends_of_its_unit_cube_reach_nobody(
    monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
) -> None:
    from SALib.sample import fast_sampler

    def sample(*_: object, **__: object) -> np.ndarray:
        warnings.warn("of no use to a user", stacklevel=1)
        return np.array([[0.0], [1.0]])

    monkeypatch.setattr(fast_sampler, "sample", sample)
    values, _ = make_design(FastDesign(), {"a": Normal(mean=0, sd=1)})
    assert np.isfinite(values).all()
    assert not recwarn.list


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


def test_a_saltelli_design_mixes_two_sobol_samples() -> None:
    design = SaltelliDesign(samples=16, seed=2)
    assert (unit_size(design, list(DISTRIBUTIONS)), count_samples(design, list(DISTRIBUTIONS))) == (
        5,
        80,
    )
    _, unit = make_design(design, DISTRIBUTIONS)
    groups = unit.reshape(16, 5, 3)
    a, b = groups[:, 0], groups[:, -1]
    for i in range(3):
        expected = a.copy()
        expected[:, i] = b[:, i]
        np.testing.assert_array_equal(groups[:, 1 + i], expected)
    # A and B are the halves of one Sobol sequence of six dimensions.
    for column in np.hstack([a, b]).T:
        assert sorted(np.floor(column * 16)) == list(range(16))


BOUNDED_AND_NOT: dict[str, Distribution] = {
    "a": Uniform(low=0, high=1),
    "b": LogUniform(low=1, high=8),
    "c": TruncatedNormal(mean=0, sd=1, low=-1, high=2),
    "d": Normal(mean=0, sd=1),
    "e": LogNormal(median=1, sd_log=1),
}


@pytest.mark.parametrize("levels", [2, 4, 10])
def test_a_morris_trajectory_changes_each_parameter_once_by_half_of_the_levels(levels: int) -> None:
    design = MorrisDesign(trajectories=50, levels=levels, seed=1)
    assert (unit_size(design, list(BOUNDED_AND_NOT)), count_samples(design, list(BOUNDED_AND_NOT))) == (
        6,
        300,
    )
    values, unit = make_design(design, BOUNDED_AND_NOT)
    assert np.isfinite(values).all()
    share = np.array([1, 1, 1, 0.9, 0.9])  # 5 to 95 % where unbounded
    levels_hit = (unit - (1 - share) / 2) / share * (levels - 1)
    np.testing.assert_allclose(levels_hit, levels_hit.round(), atol=1e-12)
    assert levels_hit.round().min() == 0 and levels_hit.round().max() == levels - 1
    steps = np.diff(levels_hit.reshape(50, 6, 5), axis=1)
    moved = abs(steps) > 1e-9
    assert (moved.sum(axis=1) == 1).all() and (moved.sum(axis=2) == 1).all()
    np.testing.assert_allclose(abs(steps[moved]), levels / 2)
    # In either direction, and in no fixed order of the parameters.
    assert 0.3 < (steps[moved] > 0).mean() < 0.7
    assert len({tuple(order) for order in moved.argmax(axis=2)}) > 10


def test_a_fast_curve_has_its_own_frequency_for_each_parameter() -> None:
    """The curve of parameter i oscillates floor((N - 1) / (2 M)) times in it, more slowly in others."""
    design = FastDesign(samples=65, harmonics=4, seed=1)
    assert (unit_size(design, list(DISTRIBUTIONS)), count_samples(design, list(DISTRIBUTIONS))) == (
        1,
        195,
    )
    _, unit = make_design(design, DISTRIBUTIONS)
    for i, curve in enumerate(unit.reshape(3, 65, 3)):
        dominant = abs(np.fft.rfft(curve - curve.mean(axis=0), axis=0)).argmax(axis=0)
        assert dominant[i] == 8
        assert (np.delete(dominant, i) == 1).all()


def test_one_at_a_time_goes_through_the_centre_along_each_axis() -> None:
    values, unit = make_design(OneAtATimeDesign(points=3), DISTRIBUTIONS)
    expected = np.full((10, 3), 0.5)
    expected[1:4, 0] = expected[4:7, 1] = [0, 0.5, 1]
    expected[7:10, 2] = [0.05, 0.5, 0.95]
    np.testing.assert_allclose(unit, expected, atol=1e-15)
    assert count_samples(OneAtATimeDesign(points=3), list(DISTRIBUTIONS)) == len(unit)
    np.testing.assert_allclose(values[0], [d.centre for d in DISTRIBUTIONS.values()])
    for i, distribution in enumerate(DISTRIBUTIONS.values()):
        np.testing.assert_allclose(values[[1 + 3 * i, 3 + 3 * i], i], distribution.ends)
    assert central_sample(unit) == 0


def test_what_the_samples_of_a_design_stand_for() -> None:
    by_kind = {d.method: represents(d) for d in EVERY_DESIGN}
    assert by_kind == {
        "sobol": "sample",
        "latin-hypercube": "sample",
        "saltelli": "sample",
        "fast": "sample",
        "list": "sample",
        "grid": "quadrature",
        "morris": "none",
        "one-at-a-time": "none",
    }


@pytest.mark.parametrize("design", [d for d in RANDOM_DESIGNS if represents(d) == "sample"])
def test_the_plain_average_over_a_sample_is_that_over_the_distributions(design: Design) -> None:
    size = {"harmonics": 4, "samples": 1025} if isinstance(design, FastDesign) else {"samples": 1024}
    values, _ = make_design(design.model_copy(update=size), INTERVALS)
    expected = [3.0, 7.5 / np.log(16)]  # the means of a uniform and of a log-uniform
    np.testing.assert_allclose(values.mean(axis=0), expected, rtol=0.01)


def test_the_weights_of_a_grid_are_those_of_the_trapezoid_rule() -> None:
    """Exact for every function that is linear in each parameter; the error falls as 1 / n^2."""
    errors = []
    for n in (9, 17):
        design = GridDesign(points={"kT": n, "epsilon": 3})
        values, unit = make_design(design, INTERVALS)
        weights = design_weights(design, list(INTERVALS))
        assert weights is not None
        assert weights.sum() == pytest.approx(1, rel=1e-13)
        bilinear = (1 + 2 * unit[:, 0]) * (3 - unit[:, 1])
        assert weights @ bilinear == pytest.approx(2 * 2.5, rel=1e-13)
        errors.append(weights @ values[:, 1] - 7.5 / np.log(16))
    assert errors[0] / errors[1] == pytest.approx(4, rel=0.01)
    assert design_weights(SobolDesign(), ["a"]) is None


@pytest.mark.parametrize("method", [SobolDesign, LatinHypercubeDesign])
def test_correlated_parameters_keep_their_distributions(method: type[SobolDesign]) -> None:
    design = method(samples=4096)
    values, unit = make_design(design, DISTRIBUTIONS, COUPLED)
    for column, distribution in enumerate(DISTRIBUTIONS.values()):
        np.testing.assert_allclose(distribution.cdf(values[:, column]), unit[:, column], rtol=1e-9)
        # Even more evenly spread than independent draws, whose 99.9 % limit this is.
        assert stats.kstest(unit[:, column], "uniform").statistic < 1.95 / np.sqrt(4096)
    scores = np.asarray(np.corrcoef(stats.norm.ppf(unit), rowvar=False))
    limit = 3 / np.sqrt(4096)
    expected = np.eye(3)
    expected[[0, 1], [1, 0]] = 0.8
    np.testing.assert_allclose(scores, expected, atol=limit)
    # Of the ranks: 6 / pi asin(rho / 2).
    ranks = stats.spearmanr(values[:, 0], values[:, 1]).statistic
    assert ranks == pytest.approx(6 / np.pi * np.arcsin(0.4), abs=limit)


def test_correlated_sobol_samples_grow_and_vanishing_correlations_change_nothing() -> None:
    short, long = (make_design(SobolDesign(samples=n), DISTRIBUTIONS, COUPLED)[0] for n in (32, 64))
    np.testing.assert_array_equal(long[:32], short)
    zero = [Correlation(between=("kT", "gamma"), coefficient=0)]
    plain, _ = make_design(SobolDesign(samples=32), DISTRIBUTIONS)
    np.testing.assert_allclose(
        make_design(SobolDesign(samples=32), DISTRIBUTIONS, zero)[0], plain, rtol=1e-9
    )


@pytest.mark.parametrize("design", EVERY_DESIGN[2:])
def test_correlations_are_refused_where_parameters_must_be_independent(design: Design) -> None:
    with pytest.raises(JaxmorphError) as error:
        make_design(design, INTERVALS, COUPLED)
    assert str(error.value) == (
        f"design: a {design.method} design needs independent parameters; correlations couples kT and "
        "epsilon: use sobol or latin-hypercube"
    )


def test_the_factor_of_the_correlations_is_that_of_cholesky() -> None:
    names = ["a", "b", "c", "d"]
    rng = np.random.default_rng(0)
    for _ in range(20):
        spread = rng.normal(size=(4, 6))
        matrix = np.asarray(np.corrcoef(spread))
        pairs = [
            Correlation(between=(names[j], names[i]), coefficient=float(matrix[i, j]))
            for i, j in itertools.combinations(range(4), 2)
        ]
        factor = correlation_factor(names, pairs)
        assert factor is not None
        np.testing.assert_allclose(factor, np.linalg.cholesky(matrix), rtol=1e-9, atol=1e-12)


def test_correlations_that_cannot_be_have_no_factor() -> None:
    pairs = [("a", "b"), ("b", "c"), ("a", "c")]

    def three(*coefficients: float) -> list[Correlation]:
        return [Correlation(between=p, coefficient=c) for p, c in zip(pairs, coefficients, strict=True)]

    # Equal correlations r of three are possible from -1/2 on.
    assert correlation_factor("abc", three(-0.49, -0.49, -0.49)) is not None
    assert correlation_factor("abc", three(-0.51, -0.51, -0.51)) is None
    assert correlation_factor("abc", three(0.9, 0.9, -0.9)) is None
    with pytest.raises(JaxmorphError, match="not positive definite"):
        make_design(
            SobolDesign(), dict(itertools.islice(BOUNDED_AND_NOT.items(), 3)), three(0.9, 0.9, -0.9)
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


def test_corners_are_at_the_ends_and_all_others_at_the_medians() -> None:
    points, names = corner_points(DISTRIBUTIONS, ["gamma", "epsilon"])
    assert names == [
        "gamma low, epsilon low",
        "gamma low, epsilon high",
        "gamma high, epsilon low",
        "gamma high, epsilon high",
    ]
    low, high = stats.norm(1, 0.1).ppf([0.05, 0.95])
    np.testing.assert_allclose(
        points, [[2, 2, low], [4, 2, low], [2, 2, high], [4, 2, high]], rtol=1e-12
    )


@pytest.mark.parametrize(
    ("n", "wanted", "samples"),
    [(64, 4, [0, 21, 42, 63]), (3, 8, [0, 1, 2]), (9, 1, [0]), (1, 4, [0]), (5, 2, [0, 4])],
)
def test_checked_samples_are_spread_over_the_design(n: int, wanted: int, samples: list[int]) -> None:
    assert spread_samples(n, wanted).tolist() == samples
