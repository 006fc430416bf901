"""Random functions on [0, 1] that had no part in setting the thresholds of ``engine/explained.py``.

All are analytic, so their derivatives are those of complex steps, exact to round-off.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

Function = Callable[[Any], Any]
Random = np.random.Generator
SEEDS = 8


def _fourier(rng: Random) -> Function:
    waves = np.arange(1, rng.integers(2, 8))
    size, phase = rng.standard_normal(waves.size), rng.uniform(0, 2 * np.pi, waves.size)
    return lambda x: sum(
        a * np.sin(np.pi * k * x + p) for a, k, p in zip(size, waves, phase, strict=True)
    )


def _exponential(rng: Random) -> Function:
    rate = rng.uniform(-8, 8)
    return lambda x: np.exp(rate * x)


def _rational(rng: Random) -> Function:
    pole, power, size = rng.uniform(0.02, 1), rng.integers(1, 4), rng.standard_normal()
    return lambda x: 1 / (x + pole) ** power + size * x


def _tanh(rng: Random) -> Function:
    steepness, place = rng.uniform(1, 30), rng.uniform(0, 1)
    return lambda x: np.tanh(steepness * (x - place))


def _power(rng: Random) -> Function:
    power = rng.uniform(0.3, 4)
    return lambda x: x**power


def _bump(rng: Random) -> Function:
    width, place = rng.uniform(0.05, 0.5), rng.uniform(0, 1)
    return lambda x: np.exp(-(((x - place) / width) ** 2))


def _product(rng: Random) -> Function:
    one, other = _fourier(rng), (_exponential, _tanh, _bump)[rng.integers(3)](rng)
    return lambda x: one(x) * other(x)


FAMILIES: dict[str, Callable[[Random], Function]] = {
    "random Fourier sums": _fourier,
    "exponentials": _exponential,
    "rational": _rational,
    "tanh of steepness 1 to 30": _tanh,
    "powers": _power,
    "bumps": _bump,
    "products": _product,
}


def _added(f: Function, xi: np.ndarray) -> Function:
    return lambda x: f(x[:, None]) + 3 * xi


def _multiplied(f: Function, xi: np.ndarray) -> Function:
    return lambda x: f(x[:, None]) * np.exp(0.5 * xi)


def _inside(f: Function, xi: np.ndarray) -> Function:
    """Each seed has a parameter of its own: a jump is in another place for each."""
    return lambda x: f(x[:, None] * np.exp(0.3 * np.tanh(xi) - 0.3))


NOISE = {"added": _added, "as a factor": _multiplied, "inside": _inside}


def averaged(f: Function, noise: str, rng: Random) -> tuple[Function, Function]:
    """The mean over seeds of a function with noise, and its derivative."""
    of_seeds = NOISE[noise](f, rng.standard_normal(SEEDS))

    def derivative(x: np.ndarray) -> np.ndarray:
        return np.mean(np.imag(of_seeds(x + 1e-30j)), axis=1) / 1e-30

    return lambda x: np.mean(np.real(of_seeds(x)), axis=1), derivative


def with_jump(f: Function, share: float, highest: float, rng: Random) -> Function:
    """With a jump of this share of the range, at a random place; its derivative is that of ``f``."""
    height = rng.choice([-1, 1]) * share * np.ptp(f(np.linspace(0.02, 0.98, 200)))
    place = rng.uniform(0.04, highest)
    return lambda x: f(x) + height * (np.real(x) > place)
