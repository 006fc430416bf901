"""An ``optimisation.nc`` from a loss with known answers: no simulation, no JAX.

On the unconstrained scale z the loss is a parabola around each optimum, ``L + (z - c) H (z - c) / 2``,
and a point belongs to the optimum on its side of the middle. Descent by gradients has a closed form,
``c_k + (1 - eta H)^s (z_0 - c_k)``, and so have the Hessian, the profiles and the improvement.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import xarray as xr
from scipy import stats

from jaxmorph.quantities import describe
from jaxmorph.store.optimisation import optimisation_quantities

from . import synthetic

STIFFNESS = (8.0, 1.0, 0.05, 0.01, 0.004)
"""Eigenvalues of the Hessian, stiffest first."""
LOSS = (1.85, 2.4)
"""Loss at each optimum."""
COMMON, OWN = 0.3, 0.04
"""Standard deviations between seeds: shared by before and after (it cancels), and of each."""
GOALS = {"mean_distance": "time-course", "covered_fraction": "minimise"}


class Problem:
    """The loss, its optima, and the way from z to the parameters between their bounds."""

    def __init__(self, n_free: int = 2, n_optima: int = 2, n_flat: int = 0) -> None:
        self.names = list(synthetic.PARAMETERS)[:n_free]
        self.distributions = synthetic._distributions(self.names)
        self.low = np.array([d["low"] for d in self.distributions])
        self.high = np.array([d["high"] for d in self.distributions])
        self.logarithmic = np.array([d["distribution"] == "log-uniform" for d in self.distributions])
        self.eigenvalue = np.array(STIFFNESS[:n_free])
        self.eigenvalue[n_free - n_flat :] = 0.0
        angle = 0.4
        self.vector = np.eye(n_free)
        if n_free > 1:
            self.vector[:2, :2] = [[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]
        self.hessian = self.vector.T @ np.diag(self.eigenvalue) @ self.vector
        self.centre = np.tile(0.5 * np.cos(np.arange(n_free)), (n_optima, 1))
        self.centre[1:, 0] -= 2.0
        self.base = np.array(LOSS[:n_optima])

    def basin(self, z: np.ndarray) -> np.ndarray:
        """Which optimum points (..., free) belong to."""
        return np.argmin(np.abs(z[..., :1] - self.centre[:, 0]), axis=-1)

    def loss(self, z: np.ndarray) -> np.ndarray:
        """Loss without noise at points (..., free)."""
        k = self.basin(z)
        away = z - self.centre[k]
        return self.base[k] + 0.5 * np.einsum("...p,pq,...q->...", away, self.hessian, away)

    def parameter(self, z: np.ndarray) -> np.ndarray:
        """Values between the bounds: a logistic of z, on the logarithm for log-uniform parameters."""
        share = 1 / (1 + np.exp(-z))
        linear = self.low + (self.high - self.low) * share
        return np.where(self.logarithmic, self.low * (self.high / self.low) ** share, linear)

    def slope(self, z: np.ndarray) -> np.ndarray:
        """d parameter / d z."""
        share = 1 / (1 + np.exp(-z))
        linear = (self.high - self.low) * share * (1 - share)
        log = self.parameter(z) * np.log(self.high / self.low) * share * (1 - share)
        return np.where(self.logarithmic, log, linear)


def optimisation(
    n_free: int = 2,
    n_starts: int = 8,
    n_steps: int = 200,
    n_seeds: int = 64,
    seeds_per_step: int = 8,
    n_optima: int = 2,
    n_times: int = 6,
    noise: float = 1.0,
    stopped: tuple[int, ...] = (3,),
    n_flat: int = 0,
) -> xr.Dataset:
    """An ``optimisation.nc``; starts in ``stopped`` are not finite from step 37 on."""
    p = Problem(n_free, n_optima, n_flat)
    rng = np.random.default_rng(5)
    unit = stats.qmc.Sobol(n_free, seed=3).random_base2(int(np.ceil(np.log2(max(n_starts, 2)))))
    z = _descent(p, 4 * unit[:n_starts] - 2.5, n_steps)
    steps_done = np.full(n_starts, n_steps)
    reason = np.array(["steps"] * n_starts, dtype=object)
    if n_starts > 1:
        steps_done[1], reason[1] = n_steps // 2, "converged: gradient norm 9e-05 below 0.0001"
        z[1, n_steps // 2 + 1 :] = np.nan
    for start in stopped:
        steps_done[start], reason[start] = 37, "not finite"
        z[start, 38:] = np.nan
    final = z[np.arange(n_starts), steps_done]
    variables = _course_of_the_loss(p, z, noise * OWN / np.sqrt(seeds_per_step), rng, seeds_per_step)
    variables |= _on_fresh_seeds(p, z[:, 0], final, stopped, n_seeds, noise, rng)
    of_start = p.basin(final)
    of_start[list(stopped)] = -1
    variables |= _optima(p, of_start, variables, noise)
    variables |= _courses(p, z[:, 0], final, n_times, n_seeds, noise, rng)
    if n_free == 2:
        variables |= _map(p)
    variables |= {
        "steps_done": ("start", steps_done),
        "stop_reason": ("start", reason),
        "optimum_of_start": ("start", of_start),
        "lower_bound": ("parameter", p.low),
        "upper_bound": ("parameter", p.high),
    }
    data = xr.Dataset(
        variables, _coordinates(p, n_times), _attributes(p, n_steps, n_seeds, seeds_per_step)
    )
    numbered = ("start", "step", "evaluation_seed", "optimum", "direction")
    data = data.assign_coords({dim: np.arange(data.sizes[dim]) for dim in numbered})
    return describe(data, optimisation_quantities(data.attrs))


def _descent(p: Problem, start: np.ndarray, n_steps: int) -> np.ndarray:
    """(start, step, free): each start on its way to its optimum, in closed form."""
    centre = p.centre[p.basin(start)]
    rate = 0.4 / p.eigenvalue.max()
    factor = (1 - rate * p.eigenvalue) ** np.arange(n_steps + 1)[:, None]
    along = (start - centre) @ p.vector.T
    return centre[:, None] + (factor[None] * along[:, None]) @ p.vector


def _course_of_the_loss(
    p: Problem, z: np.ndarray, se: float, rng: np.random.Generator, seeds: int
) -> dict[str, Any]:
    usable = np.isfinite(z).all(-1)
    safe = np.where(usable[..., None], z, 0.0)
    norm = np.linalg.norm((safe - p.centre[p.basin(safe)]) @ p.hessian, axis=-1)
    loss = p.loss(safe) + se * rng.standard_normal(usable.shape)
    dims = ("start", "step")
    found: dict[str, Any] = {
        "parameter_value": (
            (*dims, "parameter"),
            np.where(usable[..., None], p.parameter(safe), np.nan),
        ),
        "loss": (dims, np.where(usable, loss, np.nan), {"units": "1"}),
        "gradient_norm": (dims, np.where(usable, norm, np.nan)),
    }
    if seeds > 1:
        found["loss_se"] = (dims, np.where(usable, se, np.nan))
    return found


def _on_fresh_seeds(
    p: Problem, first: np.ndarray, final: np.ndarray, stopped: tuple[int, ...], n_seeds: int,
    noise: float, rng: np.random.Generator,
) -> dict[str, Any]:  # fmt: skip
    shared = noise * COMMON * rng.standard_normal(n_seeds)
    shape = (len(first), n_seeds)
    before = p.loss(first)[:, None] + shared + noise * OWN * rng.standard_normal(shape)
    after = p.loss(final)[:, None] + shared + noise * OWN * rng.standard_normal(shape)
    after[list(stopped)] = np.nan
    gain = before - after
    half = np.zeros(len(first))
    if n_seeds > 1:
        half = stats.t.ppf(0.975, n_seeds - 1) * gain.std(1, ddof=1) / np.sqrt(n_seeds)
    dims = ("start", "evaluation_seed")
    return {
        "evaluation_loss_before": (dims, before),
        "evaluation_loss_after": (dims, after),
        "improvement": ("start", gain.mean(1)),
        "improvement_low": ("start", gain.mean(1) - half),
        "improvement_high": ("start", gain.mean(1) + half),
    }


def _optima(p: Problem, of_start: np.ndarray, found: dict[str, Any], noise: float) -> dict[str, Any]:
    after = found["evaluation_loss_after"][1]
    reached = [k for k in range(len(p.base)) if (of_start == k).any()]
    best = [np.flatnonzero(of_start == k)[np.argmin(after[of_start == k].mean(1))] for k in reached]
    n_seeds = after.shape[1]
    flat = p.eigenvalue == 0
    of_z = p.vector.T @ np.diag(np.where(flat, 100.0, 0.01 / np.where(flat, 1, p.eigenvalue))) @ p.vector
    centre, slope = p.centre[reached], p.slope(p.centre[reached])
    half = stats.norm.ppf(0.975) * np.sqrt(np.diag(of_z))
    share = np.linspace(-1, 1, 11)
    reach = np.minimum(1.5 / np.sqrt(np.maximum(p.eigenvalue, 1e-9)), 2.5)
    position = np.tile(reach[:, None] * share, (len(reached), 1, 1))
    along = centre[:, None, None] + position[..., None] * p.vector[None, :, None]
    profile = p.base[reached][:, None, None] + 0.5 * p.eigenvalue[:, None] * position**2
    k, d = "optimum", "direction"
    return {
        "optimum_start": (k, np.array(best)),
        "optimum_loss": (k, after[best].mean(1)),
        "optimum_loss_se": (k, after[best].std(1) / np.sqrt(n_seeds)),
        "optimum_n_starts": (k, np.array([(of_start == o).sum() for o in reached])),
        "optimum_parameter_value": ((k, "parameter"), p.parameter(centre)),
        "parameter_low": ((k, "parameter"), p.parameter(centre - half)),
        "parameter_high": ((k, "parameter"), p.parameter(centre + half)),
        "covariance": ((k, "parameter", "parameter_2"), slope[:, :, None] * of_z * slope[:, None, :]),
        "hessian_eigenvalue": ((k, d), np.tile(p.eigenvalue, (len(reached), 1))),
        "hessian_eigenvector": ((k, d, "parameter"), np.tile(p.vector, (len(reached), 1, 1))),
        "profile_position": ((k, d, "point"), position),
        "profile_parameter_value": ((k, d, "point", "parameter"), p.parameter(along)),
        "profile_loss": ((k, d, "point"), profile),
        "profile_loss_se": ((k, d, "point"), np.full(profile.shape, noise * OWN)),
    }


def _courses(
    p: Problem, first: np.ndarray, final: np.ndarray, n_times: int, n_seeds: int, noise: float,
    rng: np.random.Generator,
) -> dict[str, Any]:  # fmt: skip
    """Courses that come to lie on the target as the loss comes down to that of the best optimum."""
    s = np.linspace(0, 1, n_times) if n_times > 1 else np.ones(1)
    target = np.stack([3.3 - 1.4 * s, np.full(n_times, np.nan)], axis=-1)
    shape = np.stack([3.3 - 1.4 * s, 0.2 + 0.1 * s], axis=-1)
    found: dict[str, Any] = {}
    seeds = 0.12 * noise * rng.standard_normal((n_seeds, 1, 2)) * shape.mean(0)
    for state, z in (("before", first), ("after", final)):
        away = (p.loss(np.nan_to_num(z)) - p.base[0])[:, None, None, None]
        wide = seeds * (0.4 + s[:, None])
        values = shape * (1 + 0.12 * np.sqrt(np.maximum(away, 0)) * s[:, None]) + wide
        values = np.where(np.isfinite(z).all(-1)[:, None, None, None], values, np.nan)
        found[f"course_{state}"] = (("start", "evaluation_seed", "time", "observable"), values)
    found["target_value"] = (("time", "observable"), target)
    found["target_error"] = (("time", "observable"), np.where(np.isnan(target), np.nan, 0.15))
    return found


def _map(p: Problem) -> dict[str, Any]:
    z = np.linspace(-3.5, 3.5, 33)
    points = np.stack(np.meshgrid(z, z, indexing="ij"), axis=-1)
    return {
        "map_value_0": ("map_0", p.parameter(points)[:, 0, 0]),
        "map_value_1": ("map_1", p.parameter(points)[0, :, 1]),
        "map_loss": (("map_0", "map_1"), p.loss(points)),
    }


def _coordinates(p: Problem, n_times: int) -> dict[str, Any]:
    time = np.linspace(0, 0.1, n_times) if n_times > 1 else np.array([0.1])
    return {
        "parameter": p.names,
        "parameter_2": p.names,
        "parameter_unit": ("parameter", ["1"] * len(p.names)),
        "parameter_description": ("parameter", [synthetic.PARAMETERS[n][1] for n in p.names]),
        "observable": list(GOALS),
        "observable_unit": ("observable", ["um", "1"]),
        "observable_description": ("observable", [synthetic.OBSERVABLES[o][1] for o in GOALS]),
        "goal": ("observable", list(GOALS.values())),
        "time": ("time", time, {"units": "h", "long_name": "model time"}),
    }


def _attributes(p: Problem, n_steps: int, n_seeds: int, seeds_per_step: int) -> dict[str, Any]:
    objective = [
        {"observable": "mean_distance", "goal": "time-course", "data": "measured.csv", "weight": 1.0},
        {"observable": "covered_fraction", "goal": "minimise", "when": "end", "weight": 0.5},
    ]
    optimise = {
        "objective": objective,
        "optimiser": {"name": "adam", "learning_rate": 0.01},
        "steps": n_steps,
        "seeds_per_step": seeds_per_step,
        "fresh": True,
        "evaluation_seeds": n_seeds,
    }
    return {
        "run": "notebook",
        "configuration": json.dumps({"seeds": 16, "optimise": optimise}),
        "distributions": json.dumps(p.distributions),
        "optimiser": json.dumps(optimise["optimiser"]),
        "covariance_kind": "Hessian with noise (sandwich)",
        "optimum_criterion": "ends within 1 % of the bounds of each other, with losses that agree",
    }


def before_and_after(cells: bool = True) -> xr.Dataset:
    """An ``optimisation_cells.nc``."""
    data = synthetic.corners(cells=cells, n_corners=2)
    return data.drop_vars("corner").assign_coords(stage=("sample", ["before", "after"]))


def none_ended() -> xr.Dataset:
    """All starts stopped: no optimum."""
    data = optimisation(n_starts=3, stopped=(0, 1, 2), n_optima=1)
    return data.isel(optimum=slice(0)).drop_dims("direction")
