"""Elementary effects of a Morris design, without the noise that is left in a mean over seeds.

Sources: Morris, Technometrics 33 (1991) 161-174 (mu, sigma); Campolongo, Cariboni, Saltelli, Environ.
Model. Softw. 22 (2007) 1509-1518 (mu*). Elementary effects are SALib's.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from ..designs import MorrisDesign
from ..quantities import Interval, Kind, Method, Quantity
from .entries import (
    SEEDS_AT_ONCE,
    Arrays,
    chained,
    estimate_entries,
    first_seeds,
    groups_of,
)
from .estimator import Estimates, OfValues
from .failures import USED, completed, with_share_used
from .groups import OF_GROUP, of_groups
from .polarisation import without_noise

MORRIS = Method(
    "Morris screening",
    "μ* = mean of |elementary effects|, σ = their standard deviation",
    "An elementary effect is that of a finite step in one parameter along a trajectory, per unit of "
    "probability; products of different seeds take the noise out.",
    "Morris, Technometrics 33 (1991) 161-174; Campolongo, Cariboni and Saltelli, Environ. Model. "
    "Softw. 22 (2007) 1509-1518",
)


def _quantity(name: str, long_name: str, **more: Any) -> Quantity:
    return Quantity(
        name, long_name, "observable", ("time", "observable", "parameter"), Kind.EFFECT, MORRIS,
        interval=Interval.SAMPLES_AND_SEEDS, designs="morris",
        absent="needs a Morris design of two or more trajectories", **more,
    )  # fmt: skip


QUANTITIES = (
    _quantity(
        "morris_mu_star",
        "mean absolute elementary effect, per unit of probability",
        formula="mean of |d|",
        label="Morris μ*",
        reading="mean size of elementary effects, per unit of probability",
        nested=True,
        within=0.1,
        relative=True,
        ranks=True,
    ),
    _quantity(
        "morris_sigma",
        "standard deviation of the elementary effects, per unit of probability",
        formula="standard deviation of d",
        label="Morris σ",
        reading="spread of elementary effects, per unit of probability",
    ),
    _quantity("morris_mu", "mean elementary effect, per unit of probability", formula="mean of d"),
)


MU_STAR_OF_GROUP = Quantity(
    "morris_mu_star_of_group",
    "mean absolute elementary effect of a group that moves at once, per unit of probability",
    "observable",
    OF_GROUP,
    Kind.EFFECT,
    MORRIS,
    formula="mean of |d|, all of a group moving at once, each up or down",
    label="Morris μ* of the group",
    short="μ*",
    reading="mean size of elementary effects, per unit of probability",
    interval=Interval.SAMPLES_AND_SEEDS,
    nested=True,
    within=0.1,
    relative=True,
    designs="morris with groups",
    absent="needs groups in the configuration, and a Morris design of two or more trajectories",
)
_NAMES = ("morris_mu", "morris_mu_star", "morris_sigma")
_CONVERGENCE = ("morris_mu_star",)


def morris(value: xr.DataArray, unit_value: xr.DataArray, stochastic: bool) -> dict[str, xr.DataArray]:
    """``morris_mu``, ``morris_mu_star``, ``morris_sigma`` at every time, of every observable.

    An elementary effect d is the change of the observable over the change of the parameter's cumulative
    probability, so all three are in units of the observable (per unit of probability: the effect of the
    whole range if it were linear). Steps are those of ``unit_value``, so a design that leaves out the
    tails of a distribution gives effects per unit of probability, too. d_t is that of the mean over
    seeds in trajectory t.

    - ``morris_mu``: mean of d_t. Noise does not bias it.
    - ``morris_sigma``: standard deviation of d_t. Its square is a quadratic form, taken between
      different seeds (``without_noise``); 0 where that is negative.
    - ``morris_mu_star``: mean of abs(d_t). The absolute value of a noisy average counts noise: for
      an inert parameter it is 0.8 standard errors, not 0. So the sign is taken from other seeds,
      mean_r d_tr sign(sum_(r' != r) d_tr'), which has mean 0 for an inert parameter and abs(d_t) for
      one that stands out of the noise. Between, it is too small by at most about 0.34 standard errors of
      d_t over seeds, never too large on average.

    With one seed or ``stochastic`` false there is no noise, and the three are SALib's. Each with its
    95 % interval over trajectories and seeds (``with_interval``), and ``morris_mu_star_by_samples`` and
    ``_by_seeds`` for the first trajectories and seeds; ``n_samples`` counts rows of the design.

    Args:
        value: (sample, seed, time, observable), D + 1 rows a trajectory, in order. NaN where unusable:
            the others of the row stand for it (``completed``), and a trajectory is left out if a row of
            it has fewer than two (without noise: one).
        unit_value: Cumulative probabilities (sample, parameter), with the coordinate ``parameter``.
        stochastic: Whether there is noise.

    Returns:
        Arrays (time, observable, parameter), and ``simulations_used``; none with fewer than two
        trajectories that can be used.

    Raises:
        ValueError: The rows are not those of such a design.
    """
    unit = unit_value.transpose("sample", "parameter").values.astype(float)
    rows, size = len(unit), unit.shape[1] + 1
    if rows % size or ((np.diff(unit.reshape(-1, size, size - 1), axis=1) != 0).sum(axis=1) != 1).any():
        raise ValueError(
            f"{rows} samples of {size - 1} parameters are no Morris design: in every {size} consecutive "
            "rows each parameter must change once"
        )
    groups = groups_of(value, size, stochastic)
    if groups is None:
        return {}
    usable, n_seeds, counts, sizes = groups.usable, groups.n_seeds, groups.counts, groups.sizes
    first = np.array([usable[: s // size].sum() for s in sizes["n_samples"]], dtype=int)

    def of_entry(x: np.ndarray) -> dict[str, Arrays]:
        rows = np.repeat(usable, size)
        y = completed(x[rows])
        effects = elementary_effects(y, unit[rows])
        # A step is there if both of its ends are; 1 there, else 0.
        both = np.isfinite(x[rows]).reshape(-1, size, x.shape[1])
        steps = unit[rows].reshape(-1, size, size - 1)
        moved = np.diff(steps, axis=1) != 0  # (trajectory, step, parameter)
        there = np.einsum("tsp,tsr->rtp", moved, both[:, 1:] & both[:, :-1]) > 0
        largest = np.abs(effects).max() or 1.0  # of order 1 before anything is squared
        found = of_effects(effects / largest, there)
        return {part: {n: largest * e for n, e in arrays.items()} for part, arrays in found.items()}

    def of_effects(effects: np.ndarray, there: np.ndarray) -> dict[str, Arrays]:
        result = {"samples": _over_trajectories(effects, there, groups.weights)}
        if counts is not None:
            chunks = [counts[i : i + SEEDS_AT_ONCE] for i in range(0, len(counts), SEEDS_AT_ONCE)]
            result["seeds"] = chained([_over_seeds(effects, there, c) for c in chunks], _NAMES)
        if sizes["n_seeds"]:
            by_seeds = _over_seeds(effects, there, first_seeds(sizes["n_seeds"], n_seeds))
            result["n_seeds"] = chained([by_seeds], _CONVERGENCE)
        if sizes["n_samples"]:
            prefixes = (np.arange(groups.n) < first[:, None]).astype(float)
            result["n_samples"] = chained([_over_trajectories(effects, there, prefixes)], _CONVERGENCE)
        return result

    parameters = unit_value["parameter"].values
    found = estimate_entries(value, of_entry, stochastic, list(parameters), groups.n, sizes)
    return with_share_used(found, value, np.repeat(usable, size))


def elementary_effects(x: np.ndarray, unit: np.ndarray) -> np.ndarray:
    """Changes of values over changes of parameters, (seed, trajectory, parameter).

    SALib divides all changes by one step; those of the parameters themselves give the real ones.

    Args:
        x: Values (sample, seed).
        unit: Parameters (sample, parameter).
    """
    from SALib.analyze.morris import _compute_elementary_effects

    size = unit.shape[1] + 1
    change = np.array([_compute_elementary_effects(unit, f, size, 1.0).T for f in x.T])
    of_itself = [_compute_elementary_effects(unit, u, size, 1.0)[i] for i, u in enumerate(unit.T)]
    return change / np.array(of_itself).T


def _over_trajectories(effects: np.ndarray, there: np.ndarray, weights: np.ndarray) -> Arrays:
    """Arrays where trajectory t counts ``weights[draw, t]`` times."""
    once = np.ones((1, len(effects)))
    n = weights.sum(axis=1)[:, None]
    # Variances do not change when a constant is taken off; round-off does.
    centred = effects - effects.mean(axis=1, keepdims=True)
    mean = np.stack([weights @ e for e in centred]) / n  # (seed, draw, parameter)
    of_each = np.stack([weights @ e for e in centred**2]) / n - mean**2
    of_sum = weights @ (centred.sum(axis=0) ** 2) / n - mean.sum(axis=0) ** 2
    variance = without_noise(of_sum[None], of_each, once)[0] * n / (n - 1)
    return {
        "morris_mu": weights @ effects.mean(axis=0) / n,
        "morris_mu_star": weights @ _absolute(effects, there, once)[0] / n,
        "morris_sigma": np.sqrt(np.maximum(variance, 0.0)),
    }


def _over_seeds(effects: np.ndarray, there: np.ndarray, counts: np.ndarray) -> Arrays:
    """Arrays where seed r counts ``counts[draw, r]`` times."""
    sums = np.tensordot(counts, effects, axes=1)
    variance = without_noise(sums.var(axis=1, ddof=1), effects.var(axis=1, ddof=1), counts)
    return {
        "morris_mu": sums.mean(axis=1) / counts.sum(axis=1)[:, None],
        "morris_mu_star": _absolute(effects, there, counts).mean(axis=1),
        "morris_sigma": np.sqrt(np.maximum(variance, 0.0)),
    }


def _absolute(effects: np.ndarray, there: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Absolute effects (draw, trajectory, parameter), each seed's with the sign of all others.

    Of the seeds that are ``there`` (seed, trajectory, parameter) at both ends of a step: what stands for
    one that failed is made from the others, and would have their sign.
    """
    if len(effects) == 1:
        return np.abs(np.tensordot(counts, effects, axes=1))
    effects = np.where(there, effects, 0.0)
    sums, n = (np.tensordot(counts, x, axes=1) for x in (effects, there.astype(float)))
    result = np.zeros_like(sums)
    for count, effect in zip(counts.T[:, :, None, None], effects, strict=True):
        result += count * effect * np.sign(sums - count * effect)
    return result / np.maximum(n, 1.0)


class Morris(OfValues):
    """Elementary effects of a Morris design."""

    quantities = (*QUANTITIES, MU_STAR_OF_GROUP, USED)

    def applies(self) -> bool:
        return isinstance(self.samples.question.design, MorrisDesign)

    def of_values(self, value: xr.DataArray) -> Estimates:
        unit_value, parts = self.samples.points["unit_value"], self.samples.parts
        if not parts:
            return morris(value, unit_value, self.samples.question.stochastic)
        found = morris(value, of_parts(unit_value, parts), self.samples.question.stochastic)
        return of_groups(found, {"morris_mu_star": MU_STAR_OF_GROUP.name})


def of_parts(unit_value: xr.DataArray, parts: Mapping[str, tuple[str, ...]]) -> xr.DataArray:
    """Where groups that move at once are (sample, parameter), as if each were one parameter.

    Whether up or down is that of its first parameter, and how far the mean over all (they differ where
    a design leaves out the tails of a distribution).

    Raises:
        ValueError: Parameters of a group do not move at once.
    """
    columns = []
    for name, part in parts.items():
        unit = unit_value.sel(parameter=list(part)).transpose("sample", "parameter").values
        trajectories = unit.reshape(-1, len(parts) + 1, len(part))
        step = np.abs(np.diff(trajectories, axis=1)).reshape(-1, len(part))
        if ((step > 0) != (step[:, :1] > 0)).any():
            raise ValueError(f"{', '.join(part)} of the group {name} do not move at once")
        longest = step.max(axis=0)
        columns.append(unit[:, 0] * longest.mean() / longest[0])
    return xr.DataArray(np.stack(columns, axis=1), {"parameter": list(parts)}, ("sample", "parameter"))
