"""Carrying out the plan: errors of indices against their cost, repetition by repetition."""

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from scipy.stats import qmc

from . import truth
from .others import salib_points
from .ours import Expansion
from .plan import Plan
from .process import Other
from .simulated import Simulated, case

Row = dict[str, Any]


def compare(name: str, plan: Plan, others: Mapping[str, Other]) -> Iterator[Row]:
    """A row for each method, design and repetition of a case.

    ``error`` is the root mean square over first and total indices of all parameters; ``cost`` is in
    simulations without gradient: samples x seeds x price. An error is infinite where there is no index.
    """
    simulated, true = case(name), truth.known(name)
    seeds = plan.seeds if simulated.stochastic else 1
    price = simulated.price(max(1, plan.simulations_priced(name) // seeds), seeds)
    for repetition in range(plan.repetitions):
        shared = {"case": name, "parameters": simulated.dimension, "repetition": repetition}
        mine = np.arange(seeds) + repetition * seeds
        by_method = itertools.chain(
            _expansions(simulated, plan, others, repetition, mine),
            _saltelli(name, simulated, plan, others, repetition, mine),
        )
        for method, samples, found, more in by_method:
            paid = price if method == "gradients" else 1.0
            error = float(np.sqrt(np.mean((found - true.indices) ** 2)))
            yield {
                **shared,
                "method": method,
                "samples": samples,
                "seeds": seeds,
                "price": round(paid, 3),
                "cost": samples * seeds * paid,
                "error": error if np.isfinite(error) else np.inf,
                **more,
            }


Found = tuple[str, int, np.ndarray, Row]


def _expansions(
    simulated: Simulated, plan: Plan, others: Mapping[str, Other], repetition: int, seeds: np.ndarray
) -> Iterator[Found]:
    points = qmc.Sobol(simulated.dimension, rng=repetition).random(max(plan.samples))
    rows = simulated.rows(points, seeds)
    for n in plan.samples:
        unit, data = points[:n], rows[:n]
        expansion = Expansion(unit)
        for method in ("gradients", "values"):
            found, q2 = expansion.indices(data, method == "gradients")
            yield method, n, found, {"q2": round(q2, 4)}
        mean = data[:, 0].mean(axis=-1)
        for method in ("openturns", "jaxgsa"):
            if method in others:
                yield method, n, np.concatenate(others[method].ask(method, unit, mean)), {}


def _saltelli(
    name: str,
    simulated: Simulated,
    plan: Plan,
    others: Mapping[str, Other],
    repetition: int,
    seeds: np.ndarray,
) -> Iterator[Found]:
    if "salib" not in others:
        return
    d = simulated.dimension
    bases = plan.base_samples(name, d)
    unit = salib_points(d, bases[-1], repetition)
    mean = simulated.values(unit, seeds).mean(axis=-1)
    for base in bases:  # the first rows of a design are the smaller one
        n = base * (d + 2)
        yield "salib", n, np.concatenate(others["salib"].ask("salib", unit[:n], mean[:n])), {}
