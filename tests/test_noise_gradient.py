"""The derivative of the variance between seeds: known answer 10, and where there is none."""

import numpy as np
import pytest
import xarray as xr
from scipy.stats import qmc
from support.estimated import estimated_from

from jaxmorph.distributions import Uniform
from jaxmorph.figures import noise_sensitivity
from jaxmorph.report import findings, summary
from jaxmorph.sensitivity.estimator import Slab
from jaxmorph.sensitivity.noise_gradient import NoiseGradient
from jaxmorph.sensitivity.question import Question
from jaxmorph.sensitivity.samples import Samples

PARAMETERS = ["a", "s", "inert"]


def noisy(
    n_samples: int, n_seeds: int, seed: int = 1, common: bool = True
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """f = a (1 + s xi) with xi standard normal, the same at all samples or not: inputs, f, gradients."""
    rng = np.random.default_rng(seed)
    unit = qmc.Sobol(3, rng=seed).random(n_samples)
    xi = rng.standard_normal((1 if common else n_samples, n_seeds))
    a, s = unit[:, :1], unit[:, 1:2]
    f = a * (1 + s * xi)
    g = np.stack([np.broadcast_to(1 + s * xi, f.shape), a * xi, np.zeros(f.shape)], axis=-1)
    return unit, f, g


def of(data: xr.Dataset, name: str) -> np.ndarray:
    return data[name].isel(time=0, observable=0).values


def test_a_parameter_of_the_noise_alone() -> None:
    """d Var / d s = 2 a^2 s, d Var / d a = 2 a s^2; on [0, 1]^2 on average 1/3, 1/3; d E f / d s = 0."""
    unit, f, g = noisy(256, 32)
    data = estimated_from(unit, f, g, PARAMETERS)
    for i, truth in enumerate((1 / 3, 1 / 3, 0.0)):
        low, high = of(data, "noise_gradient_average_low")[i], of(data, "noise_gradient_average_high")[i]
        assert low <= truth <= high
    # xi multiplies: its sample variance is a factor of all, and drops out of the elasticity.
    np.testing.assert_allclose(of(data, "noise_elasticity"), [1, 1, 0], atol=1e-9)


def test_at_each_sample_it_is_the_derivative_of_the_sample_variance() -> None:
    """Unbiased, as that is: 2 a^2 s times the variance of the xi that were drawn."""
    unit, f, g = noisy(16, 8)
    data = estimated_from(unit, f, g, PARAMETERS)
    step = 1e-6
    xi = (g[..., 1] / unit[:, :1])[0]
    upwards = np.var(unit[:, :1] * (1 + (unit[:, 1:2] + step) * xi), axis=1, ddof=1)
    downwards = np.var(unit[:, :1] * (1 + (unit[:, 1:2] - step) * xi), axis=1, ddof=1)
    found = of(data, "noise_gradient")[:, 1]
    np.testing.assert_allclose(found, (upwards - downwards) / (2 * step), rtol=1e-6)


def test_noise_that_is_rounding_is_none() -> None:
    """Seeds differ in the last places: the variance is 0, and has no elasticity."""
    unit, f, g = noisy(64, 8)
    rounded = unit[:, :1] * (1 + 4 * np.finfo(float).eps * np.sign(f - f.mean(axis=1, keepdims=True)))
    data = estimated_from(unit, rounded, g, PARAMETERS)
    assert np.ptp(rounded, axis=1).any()
    assert of(data, "noise_variance") == 0
    np.testing.assert_array_equal(of(data, "noise_gradient_average"), 0)
    assert np.isnan(of(data, "noise_elasticity")).all()


def test_the_error_at_a_sample_is_that_of_leaving_out_one_seed() -> None:
    unit, f, g = noisy(4, 9, common=False)
    data = estimated_from(unit, f, g, PARAMETERS)
    without = np.array(
        [
            [2 * np.cov(np.delete(f[i], r), np.delete(g[i, :, 1], r))[0, 1] for r in range(9)]
            for i in range(4)
        ]
    )
    expected = np.sqrt(8 / 9 * ((without - without.mean(axis=1, keepdims=True)) ** 2).sum(axis=1))
    np.testing.assert_allclose(of(data, "noise_gradient_se")[:, 1], expected, rtol=1e-10)


def alone(unit: np.ndarray, f: np.ndarray, g: np.ndarray) -> dict[str, xr.DataArray]:
    """This estimator alone, of one time and observable."""
    points = xr.Dataset(
        dict.fromkeys(("parameter_value", "unit_value"), (("sample", "parameter"), unit)),
        coords={"sample": np.arange(len(unit)), "parameter": PARAMETERS},
    )
    one = NoiseGradient(Samples(points, Question([Uniform(low=0.0, high=1.0)] * 3), None))
    dims = ("sample", "seed", "time", "observable")
    value = xr.DataArray(f[:, :, None, None], points["sample"].coords, dims)
    gradient = xr.DataArray(g[:, :, None, None, :], points.coords, (*dims, "parameter"))
    used, theta = value.notnull(), points["parameter_value"]
    one.add(Slab(value, gradient, gradient, theta, used, None, xr.Dataset(), xr.Dataset()))
    return one.finish({})


@pytest.mark.slow
@pytest.mark.parametrize("common", [True, False])
def test_intervals_cover(common: bool) -> None:
    """100 repetitions of 64 x 16: at least 86 %, where 95 % are meant (binomial, 0.1 %)."""
    covered = np.zeros(3)
    for repetition in range(100):
        found = alone(*noisy(64, 16, repetition, common))
        low, high = (found[f"noise_gradient_average_{end}"].values[0, 0] for end in ("low", "high"))
        truth = np.array([1 / 3, 1 / 3, 0])
        covered += (low - 1e-9 <= truth) & (truth <= high + 1e-9)
    assert (covered / 100 >= 0.86).all(), covered


def test_without_complete_paths_or_noise_there_is_none() -> None:
    unit, f, g = noisy(16, 8)
    assert "noise_gradient" not in estimated_from(unit, f, g, PARAMETERS, complete=False)
    quiet = estimated_from(unit, f[:, :1], g[:, :1], PARAMETERS, stochastic=False)
    assert "noise_gradient" not in quiet


def test_the_findings_say_what_acts_on_the_noise_alone() -> None:
    data = estimated_from(*noisy(64, 16, 3, common=False), PARAMETERS)
    ranked = summary.rankings(data)
    assert findings.acts_on_noise(data, ranked) == (
        "The spread between seeds changes with parameters: s widens that of f (elasticity 1.00, its "
        "mean not as far as can be told); a widens that of f (elasticity 1.00)."
    )
    (sentence,) = (text for _, text in findings.per_observable(data, ranked))
    assert sentence.endswith(" inert hardly matters: its share is below 5 %."), "s is not negligible"
    figure, table = noise_sensitivity.draw(data)
    assert list(table["noise_elasticity"].round(6)) == [1, 1, 0]
    assert len(figure.axes) == 1
