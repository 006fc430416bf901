"""Random runs: every design over small functions of numpy, through the estimators that real runs have.

A case says what a run is like; :func:`estimated` makes its dataset from values and gradients alone, and
:func:`disturbed` moves the columns of a dataset within what a file may have.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from hypothesis import strategies as st
from pydantic import TypeAdapter

from jaxmorph.configuration import bias_attributes
from jaxmorph.designs import DESIGNS, Correlation, Design, make_design
from jaxmorph.distributions import (
    Discrete,
    Distribution,
    LogUniform,
    Normal,
    Uniform,
)
from jaxmorph.quantities import absent
from jaxmorph.sensitivity import from_arrays

NAMES = ("kappa", "cell_radius", "mu", "drag_2", "tau")
OBSERVABLES = ("size", "total_energy", "count")
SHAPES = (
    "linear", "curved", "product", "negative", "crossing", "step", "constant", "noise alone",
    "wild gradients", "one parameter",
)  # fmt: skip
_KINDS: dict[str, Distribution] = {
    "positive": Uniform(low=0.5, high=1.5),
    "logarithmic": LogUniform(low=0.1, high=10.0),
    "negative": Uniform(low=-3.0, high=-1.0),
    "both signs": Normal(mean=0.0, sd=1.0),
    "discrete": Discrete(values=(1.0, 2.0, 3.0)),
}
_PAIR = ("time", "observable", "parameter")
_CORRELATED = ("sobol", "latin-hypercube")
_GROUPED = ("sobol", "saltelli", "morris")


@dataclass(frozen=True)
class Case:
    """One run.

    Attributes:
        design: Its method.
        size: Which of a few numbers of samples, from 0.
        distributions: Keys of ``_KINDS``, one a parameter.
        shapes: Of ``SHAPES``, one an observable.
        n_times: How many.
        n_seeds: How many; of one without noise, they say the same.
        noise: Standard deviation of the noise over that of the rest; 0: a study that has none.
        common: Whether all samples have the noise of the same seeds, as in runs.
        correlated: Whether the first two parameters are.
        grouped: Whether they are a group.
        lost: Share of the simulations that are not finite.
        key: Of all random numbers.
    """

    design: str
    size: int
    distributions: tuple[str, ...]
    shapes: tuple[str, ...]
    n_times: int
    n_seeds: int
    noise: float
    common: bool
    correlated: bool
    grouped: bool
    lost: float
    key: int


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Every design, with everything that it goes together with."""
    method = draw(st.sampled_from(sorted(DESIGNS)))
    kinds = {
        "grid": ["positive", "logarithmic", "negative"],
        "fast": ["positive", "logarithmic", "negative", "both signs"],
    }.get(method, sorted(_KINDS))
    usual = ["positive"] * 4 + kinds
    n_parameters = draw(st.integers(1, 3 if method == "grid" else len(NAMES)))
    distributions = tuple(draw(st.sampled_from(usual)) for _ in range(n_parameters))
    smooth = "discrete" not in distributions[:2] and n_parameters > 1
    return Case(
        method,
        size=draw(st.integers(0, 2)),
        distributions=distributions,
        shapes=tuple(draw(st.lists(st.sampled_from(SHAPES), min_size=1, max_size=len(OBSERVABLES)))),
        n_times=draw(st.sampled_from([1, 1, 2, 6])),
        n_seeds=draw(st.sampled_from([1, 2, 4, 8, 16, 32])),
        noise=draw(st.sampled_from([0.0, 0.02, 0.3, 3.0])),
        common=draw(st.booleans()),
        correlated=draw(st.booleans()) and smooth and method in _CORRELATED,
        grouped=draw(st.booleans()) and n_parameters > 2 and method in _GROUPED,
        lost=draw(st.sampled_from([0.0, 0.0, 0.0, 0.01, 0.3])),
        key=draw(st.integers(0, 2**16)),
    )


def estimated(case: Case) -> xr.Dataset:
    """The dataset of a case, as the job of a run writes it."""
    rng = np.random.default_rng(case.key)
    named = {n: _KINDS[k] for n, k in zip(NAMES, case.distributions, strict=False)}
    groups = {"both": list(NAMES[:2])} if case.grouped else {}
    couples = [Correlation(between=NAMES[:2], coefficient=0.7)] if case.correlated else []
    design = _design(case, list(named), rng)
    theta, _ = make_design(design, named, couples, groups.values())
    value, gradient = _evaluated(case, theta, list(named.values()), rng)
    if case.lost:
        gone = rng.random(value.shape[:2]) < case.lost
        value[gone] = np.nan
        gradient[gone] = np.nan
    observables = list(OBSERVABLES[: len(case.shapes)])
    times = [float(t + 1) for t in range(case.n_times)]
    found = from_arrays(
        theta, value, gradient, named, observables=observables, time=times,
        design=design, groups=groups, correlations=couples, stochastic=case.noise > 0,
    )  # fmt: skip
    attributes = {
        "run": "random",
        "study": "studies/random.py:Random",
        "design_method": case.design,
        "design": design.model_dump_json(),
        "correlations": json.dumps([c.model_dump(mode="json") for c in couples]),
        "groups": json.dumps(groups),
        "distributions": json.dumps([d.model_dump(mode="json") for d in named.values()]),
        "stochastic": int(case.noise > 0),
        "estimator": "pathwise",
        **bias_attributes("pathwise"),
    }
    return found.assign_attrs(attributes)


def _design(case: Case, names: list[str], rng: np.random.Generator) -> Design:
    n = (2, 16, 64)[case.size]
    made: dict[str, Any] = {"method": case.design}
    match case.design:
        case "sobol" | "saltelli" | "latin-hypercube":
            made |= {"samples": n if case.design != "saltelli" else max(n // 2, 2)}
        case "morris":
            made |= {"trajectories": (2, 6, 20)[case.size]}
        case "fast":
            made |= {"samples": (65, 97, 129)[case.size]}
        case "grid" | "one-at-a-time":
            made |= {"points": (2, 3, 5)[case.size]}
        case "list":
            made["points"] = tuple(
                {name: float(x) for name, x in zip(names, row, strict=True)}
                for row in _drawn(case, n, rng)
            )
    return TypeAdapter[Design](Design).validate_python(made)


def _drawn(case: Case, n: int, rng: np.random.Generator) -> np.ndarray:
    unit = rng.uniform(0.01, 0.99, (n, len(case.distributions)))
    each = [_KINDS[k].ppf(column) for k, column in zip(case.distributions, unit.T, strict=True)]
    return np.column_stack(each)


def _evaluated(
    case: Case, theta: np.ndarray, distributions: Sequence[Distribution], rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Values (sample, seed, time, observable) and gradients, with an axis of parameters."""
    n, p = theta.shape
    logarithmic = np.array([isinstance(d, LogUniform) for d in distributions])
    u = np.where(logarithmic, np.log(np.where(logarithmic, theta, 1.0)), theta)
    centre = np.array([float(d.ppf(np.array([0.5]))[0]) for d in distributions])
    centre = np.where(logarithmic, np.log(np.where(logarithmic, centre, 1.0)), centre)
    sd = np.array([d.natural_sd for d in distributions])
    x = (u - centre) / sd
    of_x = np.where(logarithmic, 1 / np.where(logarithmic, theta, 1.0), 1.0) / sd  # dx / dtheta
    n_seeds = case.n_seeds
    shape = (n, n_seeds, case.n_times, len(case.shapes))
    value, gradient = np.zeros(shape), np.zeros((*shape, p))
    for o, kind in enumerate(case.shapes):
        f, g = _function(kind, x, rng)
        scale, offset = _scale(kind)
        loud = rng.normal(0, 0.3, p) * rng.integers(0, 2, p)
        for t in range(case.n_times):
            strength = np.sin(1.0 + t) if t else 1.0
            eps = rng.standard_normal((1 if case.common else n, n_seeds)) * case.noise
            swing = np.exp(x @ loud)[:, None]
            value[:, :, t, o] = scale * (offset + strength * f[:, None] + eps * swing)
            of_noise = (eps * swing)[..., None] * loud
            gradient[:, :, t, o] = scale * (strength * g[:, None] + of_noise)
        if kind == "wild gradients":
            wild = rng.standard_t(1.1, (n, n_seeds, case.n_times, p)) if case.noise else 0.0
            gradient[:, :, :, o] += 0.3 * scale * wild
    return value, gradient * of_x[:, None, None, None, :]


def _scale(kind: str) -> tuple[float, float]:
    """By what a function is multiplied, and what is added before."""
    return {
        "negative": (20.0, -30.0),
        "crossing": (1.0, 0.0),
        "constant": (1.0, 2.0),
        "curved": (1e6, 10.0),
        "step": (1e-5, 5.0),
    }.get(kind, (1.0, 6.0))


def _function(kind: str, x: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Values (sample) and gradients by x (sample, parameter)."""
    n, p = x.shape
    a = rng.normal(0, 1, p) * rng.choice([0.0, 0.02, 0.3, 1.0], p)
    linear = x @ a, np.broadcast_to(a, x.shape)
    match kind:
        case "constant" | "noise alone":
            return np.zeros(n), np.zeros(x.shape)
        case "curved":
            return linear[0] + 0.5 * x[:, 0] ** 2, linear[1] + np.eye(p)[0] * x[:, :1]
        case "product" if p > 1:
            both = np.zeros(x.shape)
            both[:, 0], both[:, 1] = x[:, 1], x[:, 0]
            return linear[0] + x[:, 0] * x[:, 1], linear[1] + both
        case "step":
            return linear[0] + 1.5 * (x[:, -1] > 0.1), linear[1]
        case "one parameter":
            return x[:, 0].copy(), np.broadcast_to(np.eye(p)[0], x.shape)
    return linear


def disturbed(data: xr.Dataset, rng: np.random.Generator) -> xr.Dataset:
    """Another dataset that a file could have: intervals wider or narrower, estimates lost or withheld.

    What is not moved: a value stays between the ends of its interval, and what belongs to an estimate
    goes with it.
    """
    data = data.copy(deep=True)
    column = {name: variable.values for name, variable in data.variables.items()}
    bounded = [n.removesuffix("_low") for n in map(str, data.data_vars) if n.endswith("_low")]
    for name in bounded:
        low, high = (column.get(f"{name}_{end}") for end in ("low", "high"))
        if name in column and low is not None and high is not None and rng.random() < 0.3:
            below, above = 10.0 ** rng.uniform(-2, 1, 2)
            with np.errstate(invalid="ignore"):
                down, up = below * (column[name] - low), above * (high - column[name])
            low[...] = np.where(np.isnan(down), low, column[name] - down)
            high[...] = np.where(np.isnan(up), high, column[name] + up)
    pairs = [
        n for n in map(str, data.data_vars)
        if data.variables[n].dims == _PAIR and "label" in data.variables[n].attrs
    ]  # fmt: skip
    for name in pairs:
        chance = rng.random()
        if chance < 0.05:
            data = _without(data, name)
        elif chance < 0.1:
            where = rng.random(column[name].shape[1:]) < 0.4
            for one in (name, f"{name}_low", f"{name}_high"):
                if one in column:
                    column[one][:, where] = np.nan
    return data


def _without(data: xr.Dataset, name: str) -> xr.Dataset:
    """Without an estimate and what belongs to it, and with a reason."""
    ends = ("", "_low", "_high", "_se", "_se_samples", "_se_seeds", "_by_samples", "_by_seeds")
    gone = [f"{name}{end}" for end in ends if f"{name}{end}" in data]
    reasons = absent(data) | {name: "was not made"}
    return data.drop_vars(gone).assign_attrs(absent_estimates=json.dumps(reasons))
