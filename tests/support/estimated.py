"""All estimates of a function of numpy arrays on a Sobol' sequence, as of a run: no JAX."""

from collections.abc import Callable, Sequence

import numpy as np
import xarray as xr
from scipy.stats import qmc

from jaxmorph.designs import SobolDesign
from jaxmorph.distributions import Uniform
from jaxmorph.sensitivity import Question, estimate


def estimated(
    function: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]],
    parameters: Sequence[str],
    n_samples: int,
    n_seeds: int,
    noise: float = 0.1,
) -> xr.Dataset:
    """``function``: uniform inputs on [0, 1] (sample, parameter) to values (sample) and gradients.

    Noise of standard deviation ``noise`` is added to the values, other at each sample.
    """
    d = len(parameters)
    unit = qmc.Sobol(d, rng=2).random(n_samples)
    f, g = function(unit)
    value = f[:, None] + noise * np.random.default_rng(3).standard_normal((n_samples, n_seeds))
    return estimated_from(unit, value, np.broadcast_to(g[:, None], (n_samples, n_seeds, d)), parameters)


def estimated_from(
    unit: np.ndarray,
    value: np.ndarray,
    gradient: np.ndarray,
    parameters: Sequence[str],
    complete: bool = True,
    stochastic: bool = True,
) -> xr.Dataset:
    """From inputs (sample, parameter), values (sample, seed), gradients (sample, seed, parameter)."""
    (n_samples, d), n_seeds = unit.shape, value.shape[1]
    at = {
        "sample": np.arange(n_samples),
        "seed": np.arange(n_seeds),
        "time": [1.0],
        "observable": ["f"],
        "parameter": list(parameters),
    }
    points = xr.Dataset(
        dict.fromkeys(("parameter_value", "unit_value"), (("sample", "parameter"), unit)),
        coords={name: at[name] for name in ("sample", "parameter")},
    )
    place = ("sample", "seed", "time", "observable")
    slab = xr.Dataset(
        {
            "value": (place, value[:, :, None, None]),
            "gradient": ((*place, "parameter"), np.array(gradient)[:, :, None, None, :]),
            "parameter_value": points["parameter_value"],
        },
        coords=at,
    )
    design = SobolDesign(samples=n_samples)
    question = Question(
        [Uniform(low=0.0, high=1.0)] * d, design, stochastic=stochastic, complete=complete
    )
    found = estimate([slab], points, question)
    return found.assign_attrs(stochastic=int(stochastic), design_method="sobol")
