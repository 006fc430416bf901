"""Datasets with the layout of ``docs/data.md``, made from a formula: no simulation, no JAX.

The value of observable o is ``c_o (1 + s(t) (A_o . u + B_o . u^2 / 2 + noise))`` with
``u = ln(parameter / default)``, so that its gradient is known, and every seed adds its own noise.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
from typing import Any

import numpy as np
import xarray as xr
from scipy import stats

from jaxmorph.quantities import describe, why_absent
from jaxmorph.sensitivity import quantities
from jaxmorph.sensitivity.resampling import INTERVALS
from jaxmorph.store import with_lines
from jaxmorph.store.build import CHECKS, gradient_quantity

from .synthetic_estimates import Estimates

PARAMETERS = {
    "epsilon": (3.0, "depth of the Morse potential"),
    "alpha": (3.0, "inverse width of the Morse potential"),
    "max_radius": (2.0, "radius at which growth stops"),
    "growth_rate": (0.005, "growth of the radius per step"),
    "kT": (1.0, "thermal energy"),
    "gamma": (0.8, "friction coefficient"),
    "persistence_of_polarity_1": (0.4, "a name of 25 characters"),
    "adhesion_strength_type_ab": (1.2, "a name of 25 characters"),
    "division_rate": (0.02, "divisions per cell and unit of time"),
    "chemical_decay_rate": (0.1, "decay of the chemical"),
    "secretion_rate": (7.5, "secretion per cell"),
    "hill_coefficient": (4.0, "steepness of the response"),
}
# Further ones, for a run that is large.
PARAMETERS |= {f"coupling_strength_{i}": (1.0 + 0.1 * i, "one of many couplings") for i in range(13, 31)}
OBSERVABLES = {
    "mean_distance": (3.3, "mean distance to centroid"),
    "radius_of_gyration": (3.7, "root of the mean squared distance to the centroid"),
    "nearest_neighbour_distance": (1.4, "mean distance to the nearest neighbour"),
    "total_energy": (-21.0, "sum of the pair energies"),
    "mean_radius": (0.55, "mean radius of the cells"),
    "covered_fraction": (0.31, "share of the bounding disc that is covered"),
    "cluster_anisotropy_index_2": (1e-4, "a name of 25 characters and a small number"),
    "number_of_contacts": (1.2e5, "a large number"),
}
OBSERVABLES |= {f"marker_expression_{i}": (1.0 + 0.2 * i, "one of many markers") for i in range(9, 41)}
STRENGTH = np.array(
    [
        [-0.02, 0.06, -0.01, 0.11, 0.015, -0.03],
        [-0.03, 0.05, -0.01, 0.10, 0.020, -0.02],
        [-0.10, 0.21, -0.02, 0.32, 0.001, -0.05],
        [1.10, -0.85, 0.03, 0.60, -0.090, 0.22],
        [0.0, 0.0, 0.02, 0.78, 0.0, 0.0],
        [0.06, -0.09, 0.02, 1.30, -0.030, 0.07],
    ]
)


def _strength(n_parameters: int, n_observables: int) -> np.ndarray:
    """Elasticities (observable, parameter) at the final time."""
    strength = np.tile(STRENGTH, (7, 5))
    strength[:, 12:] *= 0.3  # of many parameters few matter
    return strength[:n_observables, :n_parameters]


def _samples(design: str, n_samples: int, n_parameters: int, side: int) -> np.ndarray:
    if design == "grid":
        levels = (np.arange(side) + 0.5) / side
        return np.array(list(itertools.product(levels, repeat=n_parameters)))
    block = {"saltelli": n_parameters + 2, "morris": n_parameters + 1}.get(design, 1)
    n_samples *= block
    power = int(np.ceil(np.log2(n_samples)))
    return stats.qmc.Sobol(n_parameters, seed=7).random_base2(power)[:n_samples]


def _is_logarithmic(name: str) -> bool:
    return name.endswith("_rate")


def _distributions(names: list[str]) -> list[dict]:
    return [
        {
            "distribution": "log-uniform" if _is_logarithmic(name) else "uniform",
            "low": 0.5 * PARAMETERS[name][0],
            "high": (2.0 if _is_logarithmic(name) else 1.5) * PARAMETERS[name][0],
        }
        for name in names
    ]


def _quantiles(unit: np.ndarray, distributions: list[dict]) -> np.ndarray:
    columns = []
    for column, d in zip(unit.T, distributions, strict=True):
        if d["distribution"] == "uniform":
            columns.append(d["low"] + (d["high"] - d["low"]) * column)
        else:
            columns.append(d["low"] * (d["high"] / d["low"]) ** column)
    return np.stack(columns, axis=1)


class _Ensemble:
    """Values and gradients of every sample and seed, and what the estimates are made from."""

    def __init__(
        self,
        n_parameters: int = 6,
        n_observables: int = 6,
        n_times: int = 21,
        n_samples: int = 64,
        n_seeds: int = 16,
        design: str = "sobol",
        side: int = 7,
        noise: float = 1.0,
    ) -> None:
        self.parameters = list(PARAMETERS)[:n_parameters]
        self.observables = list(OBSERVABLES)[:n_observables]
        self.distributions = _distributions(self.parameters)
        self.unit = _samples(design, n_samples, n_parameters, side)
        self.theta = _quantiles(self.unit, self.distributions)
        self.default = np.array([PARAMETERS[name][0] for name in self.parameters])
        self.time = np.linspace(0.0, 0.1, n_times) if n_times > 1 else np.array([0.1])
        self.seed = np.arange(n_seeds)
        self.design = design
        self._evaluate(noise)

    def _evaluate(self, noise: float) -> None:
        rng = np.random.default_rng(1)
        n_seeds, n_obs, n_par = len(self.seed), len(self.observables), len(self.parameters)
        scale = np.array([OBSERVABLES[name][0] for name in self.observables])
        s = self.time / 0.1
        a = _strength(n_par, n_obs)
        u = np.log(self.theta / self.default)
        shape = np.einsum("op,sp->so", a, u) + 0.25 * np.einsum("op,sp->so", np.abs(a), u**2)
        slope = a + 0.5 * np.abs(a) * u[:, None, :]
        value_noise = noise * 0.05 * rng.standard_normal((n_seeds, n_obs))
        gradient_noise = noise * rng.standard_normal((n_seeds, n_obs, n_par))
        gradient_noise *= 0.6 * np.abs(a) + 0.01 * np.any(a != 0, axis=0)
        gradient_noise[:, a == 0] = 0
        self.value = scale * (1 + s[:, None] * (shape[:, None, None, :] + value_noise[None, :, None, :]))
        relative = (
            s[:, None, None] * slope[:, None, None, :, :]
            + (s**2)[:, None, None] * (gradient_noise[None, :, None, :, :])
        )
        self.gradient = (
            scale[:, None] * relative / self.theta[:, None, None, None, :]
        )  # sample, seed, time, observable, parameter

    def coordinates(self) -> dict:
        return {
            "parameter": self.parameters,
            "observable": self.observables,
            "time": ("time", self.time, {"units": "1", "long_name": "model time"}),
            "parameter_default": ("parameter", self.default),
            "parameter_unit": ("parameter", ["1"] * len(self.parameters)),
            "parameter_description": (
                "parameter",
                [PARAMETERS[name][1] for name in self.parameters],
            ),
            "observable_unit": ("observable", ["1"] * len(self.observables)),
            "observable_description": (
                "observable",
                [OBSERVABLES[name][1] for name in self.observables],
            ),
        }

    def attributes(self) -> dict:
        return {
            "run": "notebook",
            "study": "jaxmorph.studies:GrowingCluster",
            "study_description": "Ten growing cells that attract each other and diffuse.",
            "design_method": self.design,
            "distributions": json.dumps(self.distributions),
            "configuration": json.dumps({"seeds": len(self.seed), "precision": "float64"}),
            "code_version": "0.1.0",
            "library_versions": json.dumps({"jax": "0.10.1", "equinox": "0.13"}),
            "device": "cpu",
            "precision": "float64",
            "gradient_mode": "forward",
            "gradient_mode_reason": "6 parameters are fewer than 126 observables and times",
            "random_key": "0",
            "git_commit": "0123456789abcdef0123456789abcdef01234567",
            "git_dirty": "no",
            "start": "2029-12-31T23:00:00+00:00",
            "end": "2030-01-01T00:00:00+00:00",
            "batch_wall_time_s": 41.7,
        }


_S, _T, _O, _P = "sample", "time", "observable", "parameter"


def _with_interval(name: str, dims: tuple[str, ...], draws: np.ndarray) -> dict:
    """Mean over seeds (axis 0); standard error and interval where there are two seeds or more."""
    found = {name: (dims, draws.mean(0))}
    if len(draws) > 1:
        se = draws.std(0, ddof=1) / np.sqrt(len(draws))
        half = stats.t.ppf(0.975, len(draws) - 1) * se
        found[f"{name}_se"] = (dims, se)
        found[f"{name}_low"] = (dims, draws.mean(0) - half)
        found[f"{name}_high"] = (dims, draws.mean(0) + half)
    return found


def sensitivity(stochastic: bool = True, **shape: Any) -> xr.Dataset:
    """A ``sensitivity.nc``; the arguments are those of ``_Ensemble``.

    ``n_samples`` counts base samples and trajectories for the designs that have them. A study that is
    not stochastic has no noise.
    """
    e = _Ensemble(**(shape if stochastic else {"noise": 0.0, "n_seeds": 1} | shape))
    n_seeds = len(e.seed)
    mean, gradient_mean = e.value.mean(1), e.gradient.mean(1)
    factor = e.theta[:, None, None, :] / mean[..., None]
    elasticity = factor * gradient_mean
    variables: dict = {
        "mean": ((_S, _T, _O), mean),
        "gradient_mean": ((_S, _T, _O, _P), gradient_mean),
        "elasticity": ((_S, _T, _O, _P), elasticity),
        "elasticity_spread": (
            ("quantile", _T, _O, _P),
            np.quantile(elasticity, [0.1, 0.5, 0.9], axis=0),
        ),
        "parameter_value": ((_S, _P), e.theta),
        "unit_value": ((_S, _P), e.unit),
        "seeds_used": ((_S, _T, _O), np.full(mean.shape, n_seeds)),
        "gradient_growth_rate": ((_O, _P), np.full(gradient_mean.shape[2:], 0.4)),
        "gradient_exploding": ((_O, _P), np.zeros(gradient_mean.shape[2:], bool)),
        "non_finite_count": ((_O,), np.zeros(len(e.observables), int)),
        "excluded_sample": (("excluded",), np.zeros(0, int)),
        "excluded_seed": (("excluded",), np.zeros(0, int)),
    }
    if n_seeds > 1:
        root = np.sqrt(n_seeds)
        variables["mean_se"] = ((_S, _T, _O), e.value.std(1, ddof=1) / root)
        se = e.gradient.std(1, ddof=1) / root
        variables["gradient_se"] = ((_S, _T, _O, _P), se)
        variables["elasticity_se"] = ((_S, _T, _O, _P), np.abs(factor) * se)
        variables["sign_consistency"] = (
            (_S, _T, _O, _P),
            (np.sign(e.gradient) == np.sign(gradient_mean)[:, None]).mean(1),
        )
    variables |= _with_interval("value_average", (_T, _O), e.value.mean(0))
    variables |= _with_interval("gradient_average", (_T, _O, _P), e.gradient.mean(0))
    variables |= _with_interval(
        "elasticity_average", (_T, _O, _P), (factor[:, None] * e.gradient).mean(0)
    )
    central = int(np.argmin(np.abs(e.unit - 0.5).sum(1)))
    variables["central_value"] = (("seed", _T, _O), e.value[central])
    variables["central_gradient"] = (("seed", _T, _O, _P), e.gradient[central])
    estimates = Estimates(e, stochastic, variables)
    made = estimates.all()
    coordinates = e.coordinates() | {
        "sample": np.arange(len(e.theta)),
        "seed": e.seed,
        "quantile": [0.1, 0.5, 0.9],
        "central_sample": central,
    }
    for place, size in (("n_samples", len(e.theta)), ("n_seeds", n_seeds)):
        if any(name.endswith(f"_by_{place[2:]}") for name in made):
            coordinates[place] = estimates.sizes(size)
    if "eigenvalue" in made:
        coordinates["component"] = np.arange(1, len(e.parameters) + 1)
    if "fisher_information" in made:
        coordinates["parameter_2"] = e.parameters
    attributes = e.attributes() | {"stochastic": int(stochastic), "estimator": "pathwise"}
    attributes |= {"correlations": "[]", "design": json.dumps({"method": e.design})}
    return declared(xr.Dataset(variables | made, coordinates, attributes))


def declared(dataset: xr.Dataset) -> xr.Dataset:
    """With what the declarations of the estimators say of each variable, as a file has it."""
    describe(dataset, quantities())
    missing = why_absent({str(name) for name in dataset.variables}, quantities())
    about = {"interval_method": json.dumps(dataclasses.asdict(INTERVALS))}
    return dataset.assign_attrs(about, absent_estimates=json.dumps(missing))


def exploding(**shape: Any) -> xr.Dataset:
    """The same run with gradients that grow by e every 1/60 of a unit of time, and heavy tails."""
    data = sensitivity(**shape)
    growth = np.exp(60 * (data["time"] - data["time"][0])) ** 2
    data["gradient_variance"] = data["gradient_variance"].isel(time=1) * growth
    data["gradient_growth_rate"][:, :2] = 60.0
    data["gradient_exploding"][:, :2] = True
    data["gradient_heavy_tailed"][:, 2:3] = True
    data["gradient_tail_index"][:, 2:3] = 1.3
    data["gradient_unreliable"][:] = data["gradient_exploding"] | data["gradient_heavy_tailed"]
    return data


def checks(n_samples: int = 3, n_seeds: int = 2, **shape: Any) -> xr.Dataset:
    """A ``checks.nc`` whose finite differences are off by about 1e-9 relative."""
    e = _Ensemble(n_samples=4, n_seeds=n_seeds, **shape)
    automatic = e.gradient[:n_samples]
    rng = np.random.default_rng(2)
    scale = np.abs(automatic).max(axis=2, keepdims=True)
    error = scale * 10 ** rng.normal(-9, 0.4, automatic.shape)
    difference = automatic + error * rng.standard_normal(automatic.shape)
    relative = np.abs(difference - automatic) / np.where(scale > 0, scale, 1)
    dims = (_S, "seed", _T, _O, _P)
    dataset = xr.Dataset(
        {
            "gradient": (dims, automatic),
            "finite_difference": (dims, difference),
            "finite_difference_error": (dims, error),
            "relative_difference": (dims, relative),
            "mode_difference": ((_S, "seed"), 10 ** rng.normal(-14, 0.3, automatic.shape[:2])),
            "lyapunov_exponent": ((_S, "seed", _T), _exponents(rng, e.time, automatic.shape[:2])),
        },
        e.coordinates() | {"sample": np.arange(n_samples), "seed": e.seed},
        e.attributes(),
    )
    described = describe(dataset, (*CHECKS, gradient_quantity("pathwise")))
    return with_lines(described, _lines(e), {"line_estimator": "pathwise", "line_simulations": 56}, "")


def _lines(e: _Ensemble, n_points: int = 7) -> dict[str, np.ndarray]:
    """What ``with_lines`` takes: the formula along each parameter, all others at their defaults."""
    unit = np.linspace(0.02, 0.98, n_points)
    theta = _quantiles(np.tile(unit[:, None], len(e.parameters)), e.distributions).T
    u = np.log(theta / e.default[:, None])  # (parameter, point)
    a = _strength(len(e.parameters), len(e.observables))[..., None]
    scale = np.array([OBSERVABLES[name][0] for name in e.observables])[:, None, None]
    s = (e.time / 0.1)[:, None, None, None]
    mean = scale * (1 + s * (a * u + 0.25 * np.abs(a) * u**2))
    gradient = scale * s * (a + 0.5 * np.abs(a) * u) / theta
    pair, place = mean.shape[:3], (len(e.observables), len(e.parameters))
    return {
        "line_parameter": theta,
        "line_mean": mean,
        "line_mean_se": 0.01 * np.abs(mean),
        "line_gradient": gradient,
        "line_gradient_se": 0.1 * np.abs(gradient),
        "line_missing": np.zeros(pair),
        "line_missing_error": np.zeros(pair),
        "line_incomplete": np.zeros(pair, bool),
        "line_unresolved": np.zeros(place, bool),
        "jump_size": np.full(pair, np.nan),
        "jump_from": np.full(place, np.nan),
        "jump_to": np.full(place, np.nan),
    }


def _exponents(rng: np.random.Generator, time: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Finite-time exponents that settle near -2; undefined at time 0."""
    scatter = rng.normal(-2, 0.4, (*shape, 1))
    elapsed = np.where(time > 0, time, np.nan)
    return scatter + 0.05 / elapsed


def _walk(n_trajectories: int, n_times: int, n_cells: int, n_types: int, space: int) -> dict:
    """Cells that wander and grow; the last slot comes to life half way."""
    rng = np.random.default_rng(3)
    start = rng.uniform(-5, 5, (1, 1, n_cells, space))
    steps = rng.normal(0, 0.15, (n_trajectories, n_times, n_cells, space))
    position = start + np.cumsum(steps, axis=1)
    radius = np.linspace(0.3, 0.8, n_times)[None, :, None, None] * np.ones((n_trajectories, 1, 1, 1))
    radius = np.repeat(radius, n_cells, axis=2)
    celltype = np.zeros((n_trajectories, n_times, n_cells, n_types))
    celltype[:, :, np.arange(n_cells), np.arange(n_cells) % n_types] = 1
    celltype[:, : n_times // 2, -1] = 0
    radius = radius * (celltype.sum(-1, keepdims=True) > 0)
    return {"position": position, "radius": radius, "celltype": celltype}


def _trajectories(fields: dict, shape: tuple[int, ...]) -> dict:
    """State variables over all samples and seeds, stored for the first seed of the first samples."""
    dims = {"position": ("cell", "space"), "radius": ("cell",), "celltype": ("cell", "type")}
    fields = fields | {"radius": fields["radius"][..., 0]}
    stored = np.zeros(shape, bool)
    stored[: len(fields["radius"]), 0] = True
    variables: dict = {"trajectory_stored": ((_S, "seed"), stored)}
    for name, array in fields.items():
        filled = np.full((*shape, *array.shape[1:]), np.nan)
        filled[: len(array), 0] = array
        variables[name] = ((_S, "seed", _T, *dims[name]), filled)
    return variables


def batch(
    cells: bool = True, n_cells: int = 10, n_types: int = 2, space: int = 2, **shape: Any
) -> xr.Dataset:
    """A batch; with ``cells`` it stores the trajectory of its first sample and seed."""
    e = _Ensemble(**({"n_samples": 4, "n_seeds": 4} | shape))
    variables: dict = {
        "parameter_value": ((_S, _P), e.theta),
        "value": ((_S, "seed", _T, _O), e.value),
        "gradient": ((_S, "seed", _T, _O, _P), e.gradient),
    }
    coordinates = e.coordinates() | {"sample": np.arange(len(e.theta)), "seed": e.seed}
    if cells:
        fields = _walk(1, len(e.time), n_cells, n_types, space)
        variables |= _trajectories(fields, e.value.shape[:2])
    return xr.Dataset(variables, coordinates, e.attributes())


def corners(cells: bool = True, n_corners: int = 4, n_cells: int = 10, **shape: Any) -> xr.Dataset:
    """A ``corners.nc``: the corners of the first two parameters at one seed."""
    e = _Ensemble(**({"n_samples": 16, "n_seeds": 1} | shape))
    names = e.parameters[:2]
    signs = list(itertools.product(["low", "high"], repeat=len(names)))[:n_corners]
    theta = np.repeat(e.default[None], len(signs), axis=0)
    for row, sign in zip(theta, signs, strict=True):
        row[: len(names)] = [
            d[level] for d, level in zip(e.distributions[: len(names)], sign, strict=True)
        ]
    labels = [", ".join(f"{n} {s}" for n, s in zip(names, sign, strict=True)) for sign in signs]
    variables: dict = {
        "parameter_value": ((_S, _P), theta),
        "value": ((_S, "seed", _T, _O), e.value[: len(signs), :1]),
    }
    coordinates = e.coordinates() | {
        "sample": np.arange(len(signs)),
        "seed": [0],
        "corner": (_S, labels),
    }
    if cells:
        fields = _walk(len(signs), len(e.time), n_cells, 2, 2)
        variables |= _trajectories(fields, (len(signs), 1))
    return xr.Dataset(variables, coordinates, e.attributes())
