"""Noise that a parameter controls, by emulated ``score`` and ``smoothed``, for coverage of intervals.

x1 and x2 are standard normal; the noise has the standard deviation exp(0.3 x2) at x2, times xi. The mean
depends on x1 alone, for ``smoothed``.
"""

from typing import Literal

import numpy as np
import xarray as xr

from jaxmorph.distributions import Normal
from jaxmorph.sensitivity import Question
from jaxmorph.sensitivity.estimator import Slab
from jaxmorph.sensitivity.noise_gradient import NoiseGradient
from jaxmorph.sensitivity.samples import Samples
from jaxmorph.sensitivity.scale import Magnitudes

_B, _WIDTH, _PILOTS = 0.3, 0.05, 16


def truth(estimator: str) -> dict[str, np.ndarray]:
    """Of x1 and x2."""
    two, four = np.exp(2 * _B**2), np.exp(8 * _B**2)  # means of sd^2 and sd^4
    if estimator == "smoothed":  # f = x1^2 + sd xi, xi exponential less its mean
        slope, elasticity = 2 * _B * two * np.exp(2 * (_B * _WIDTH) ** 2), 2 * _B**2
    else:  # f = x1^2 + w + w^2 / 2, w = sd xi, xi normal
        slope = 2 * _B * (two + four)
        elasticity = _B * (2 * _B * two + 4 * _B * four) / (two + four / 2)
    return {
        "noise_gradient_average": np.array([0, slope]),
        "noise_elasticity": np.array([0, elasticity]),
    }


def intervals(
    estimator: Literal["score", "smoothed"],
    n: int,
    n_seeds: int,
    common: bool,
    rng: np.random.Generator,
    repetitions: int,
) -> dict[str, xr.DataArray]:
    """Estimates and ends of intervals of n samples, the repetitions along ``observable``."""
    x = rng.standard_normal((n, repetitions, 2))
    shape = (1 if common else n, n_seeds, repetitions)
    made = _score if estimator == "score" else _smoothed
    f, g, difference, slope = made(x[:, None], rng, shape)
    size = (n, n_seeds, repetitions)
    place = ("sample", "seed", "time", "observable")
    at = {"sample": np.arange(n), "parameter": ["x1", "x2"]}
    given = xr.Dataset(
        {
            "value": (place, np.broadcast_to(f, size)[:, :, None]),
            "noise_difference": (place, np.broadcast_to(difference, size)[:, :, None]),
            "gradient": ((*place, "parameter"), np.broadcast_to(g, (*size, 2))[:, :, None]),
            "noise_slope": ((*place, "parameter"), np.broadcast_to(slope, (*size, 2))[:, :, None]),
        },
        at | {"seed": np.arange(n_seeds), "time": [1.0], "observable": np.arange(repetitions)},
    )
    asked = Question([Normal(mean=0, sd=1)] * 2, complete=False, noise_covaries=estimator == "score")
    found = [
        xr.Dataset(_estimates(asked, x[:, i], given.isel(observable=[i]))) for i in range(repetitions)
    ]
    return {str(name): array for name, array in xr.concat(found, "observable").items()}


def _estimates(asked: Question, x: np.ndarray, given: xr.Dataset) -> dict[str, xr.DataArray]:
    """Of one repetition, which has points (sample, parameter) of its own."""
    of_points = xr.DataArray(x, given[["sample", "parameter"]].coords, ("sample", "parameter"))
    samples = Samples(xr.Dataset({"parameter_value": of_points, "unit_value": of_points}), asked, None)
    zero = xr.zeros_like(given["observable"], int)
    samples.know(Magnitudes(zero, zero, zero), np.dtype(float))
    value, gradient = given["value"], given["gradient"]
    one, used = NoiseGradient(samples), xr.ones_like(value, bool)
    one.add(Slab(value, gradient, gradient, of_points, used, None, given, xr.Dataset()))
    return one.finish({})


Made = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def _score(x: np.ndarray, rng: np.random.Generator, shape: tuple[int, ...]) -> Made:
    def simulated(xi: np.ndarray) -> np.ndarray:
        w = np.exp(_B * x[..., 1]) * xi
        return x[..., 0] ** 2 + w + w**2 / 2

    xi = rng.standard_normal(shape)
    f = simulated(xi)
    pilots = np.stack([simulated(rng.standard_normal((1, 1, shape[2]))) for _ in range(_PILOTS)])
    slope = _B * (xi**2 - 1)
    apart = np.sqrt(np.mean((pilots - f) ** 2, axis=0))
    mean_slope = np.broadcast_to(2 * x[..., 0], f.shape)
    gradient = np.stack([mean_slope, (f - pilots.mean(axis=0)) * slope], axis=-1)
    return f, gradient, apart, np.stack([np.zeros(f.shape), -apart * slope], axis=-1)


def _smoothed(x: np.ndarray, rng: np.random.Generator, shape: tuple[int, ...]) -> Made:
    xi, other = rng.exponential(size=(2, *shape)) - 1

    def simulated(xi: np.ndarray, z: np.ndarray) -> np.ndarray:
        moved = x + _WIDTH * z
        return moved[..., 0] ** 2 + np.exp(_B * moved[..., 1]) * xi

    # As ``smoothed`` does: orthogonal directions of each seed, the first of which tells of the noise.
    angle = rng.uniform(0, 2 * np.pi, shape)
    length = np.sqrt(rng.chisquare(2, (2, *shape)))
    first = length[0][..., None] * np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    second = length[1][..., None] * np.stack([-np.sin(angle), np.cos(angle)], axis=-1)
    rise = [(simulated(xi, z) - simulated(xi, -z))[..., None] * z for z in (first, second)]
    d, e = (simulated(xi, s * first) - simulated(other, s * first) for s in (1, -1))
    slope = (d - e)[..., None] * first / (2 * _WIDTH)
    return simulated(xi, np.zeros(2)), sum(rise) / (4 * _WIDTH), (d + e) / 2, slope
