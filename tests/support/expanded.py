"""A run whose expansion holds, made from closed forms, with parameters of every kind of distribution."""

import functools
import json
from collections.abc import Mapping
from typing import Any
from unittest.mock import patch

import numpy as np
import xarray as xr
from scipy.stats import qmc

from jaxmorph.configuration import Run
from jaxmorph.distributions import Distribution, LogUniform, Normal, TruncatedNormal, Uniform
from jaxmorph.sensitivity import from_arrays
from jaxmorph.sensitivity.chaos import Chaos

PARAMETERS: dict[str, Distribution] = {
    "growth_rate": LogUniform(low=0.0025, high=0.01),
    '<b>"a": {k}</b>': Uniform(low=-1, high=3),
    "on": Normal(mean=5, sd=2),
    "share": TruncatedNormal(low=0, high=1, mean=0.2, sd=0.4),
}
"""Names that would break a page or YAML are as good as others."""
OBSERVABLES = ("radius", "smooth_jump")
TIMES = (0.0, 0.5, 1.0, 2.0)
_SEEDS, _SAMPLES = 8, 64


def truth(theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The first observable without noise, and its gradient. At the first time nothing varies.

    Returns:
        (sample, time) and (sample, time, parameter).
    """
    a, b, c, d = (np.log(theta[:, 0] / 0.005), theta[:, 1], (theta[:, 2] - 5) / 2, theta[:, 3])
    t = np.array(TIMES)[:, None]
    f = 3 + t * (np.exp(a) + 0.5 * b * a + 0.5 * c + c * d) + t**2 * 0.1 * b**2
    slopes = [
        t * (np.exp(a) + 0.5 * b) / theta[:, 0],
        t * 0.5 * a + t**2 * 0.2 * b,
        t * (0.5 + d) / 2,
        t * c,
    ]
    return f.T, np.stack(slopes, axis=-1).swapaxes(0, 1)


@functools.cache
def expanded(stochastic: bool = True, one_time: bool = False, alone: bool = False) -> xr.Dataset:
    """Its dataset, as a job writes it; the second observable is one that no polynomial predicts.

    Args:
        stochastic: Whether there is noise: of all samples, a wave of a parameter for each seed.
        one_time: Whether only the last time is recorded.
        alone: Whether estimates that are not of the expansion are left out, which take most of the time.
    """
    unit = qmc.Sobol(4, rng=1).random(_SAMPLES)
    theta = np.stack([d.ppf(u) for d, u in zip(PARAMETERS.values(), unit.T, strict=True)], axis=1)
    f, g = truth(theta)
    value, gradient = f[:, None].repeat(_SEEDS, 1), g[:, None].repeat(_SEEDS, 1)
    if stochastic:
        phase = theta[:, 2, None] + np.random.default_rng(0).uniform(0, 6, _SEEDS)
        t = 0.05 * np.array(TIMES)
        value += t * np.sin(phase)[..., None]
        gradient[..., 2] += t * np.cos(phase)[..., None]
    else:
        value, gradient = value[:, :1], gradient[:, :1]
    jumps = (np.floor(7 * unit[:, 0]) % 2 + np.floor(5 * unit[:, 1]) % 2)[:, None, None] + 0 * value
    values = np.stack([value, jumps], axis=-1)
    gradients = np.stack([gradient, 0 * gradient], axis=-2)
    times = slice(-1, None) if one_time else slice(None)
    about: dict[str, Any] = {"observables": OBSERVABLES, "time": TIMES[times], "stochastic": stochastic}
    make = of_expansion if alone else from_arrays
    data = make(theta, values[:, :, times], gradients[:, :, times], PARAMETERS, **about)
    return data.assign_attrs(
        design_method="sobol",
        stochastic=int(stochastic),
        estimator="pathwise",
        correlations="[]",
        distributions=json.dumps([d.model_dump(mode="json") for d in PARAMETERS.values()]),
        configuration=json.dumps(asked().plain()),
    )


def of_expansion(
    theta: np.ndarray,
    value: np.ndarray,
    gradient: np.ndarray,
    parameters: Mapping[str, Distribution],
    **about: Any,
) -> xr.Dataset:
    """What ``from_arrays`` has of an expansion, without any other estimate."""
    with patch("jaxmorph.sensitivity.estimate.estimators", lambda: (Chaos,)):
        return from_arrays(theta, value, gradient, parameters, **about)


def asked() -> Run:
    """The run as its configuration has it: with keys of every kind, some for its many samples."""
    return Run.model_validate(
        {
            "study": "studies/mine.py:Mine",
            "settings": {"cells": 8, "label": "on"},
            "parameters": {name: d.model_dump(mode="json") for name, d in PARAMETERS.items()},
            "fixed": {"kT": 1e-7},
            "design": {"method": "sobol", "samples": _SAMPLES},
            "seeds": _SEEDS,
            "key": 3,
            "observables": list(OBSERVABLES),
            "batch": {"samples": 64, "seeds": 8},
            "trajectories": {"samples": [0, 63], "seeds": [7]},
            "checks": {"samples": 3},
            "optimise": {"objective": [{"observable": "radius", "goal": "maximise"}]},
            "allow_partial": True,
        }
    )
