"""Optimisations of a particle in a trap, whose mean is known."""

from typing import Any

import numpy as np

from jaxmorph.configuration.optimise import Optimise
from jaxmorph.distributions import Distribution, Uniform
from jaxmorph.studies import Problem, Study, load_problem

GAMMA, DT, N, X0 = 0.8, 0.01, 40, 1.5
TIME = DT * np.arange(0, N + 1, 10)
K = 2.0


def trap(temperature: float = 0.05, **parameters: Distribution) -> Problem:
    """A particle in a trap, with the parameters that are given free."""
    settings = {"n_steps": N, "record_every": 10}
    free = parameters or {"k": Uniform(low=0.5, high=6)}
    return load_problem(
        "ornstein-uhlenbeck",
        settings,
        free,
        ["position"],
        {"kT": temperature} if "kT" not in free else {},
    )


def of_study(study: Study, *names: str) -> Problem:
    """A study with some parameters free, and its first observable."""
    varied = tuple(p for p in study.parameters if p.name in names)
    fixed = {p.name: p.default for p in study.parameters if p.name not in names}
    distributions = tuple(p.distribution for p in varied)
    return Problem(study, varied, distributions, fixed, (study.observables[0].name,))


def settings(objective: list[dict[str, Any]], **others: Any) -> Optimise:
    return Optimise.model_validate({"objective": objective, **others})


def target(value: float, **others: Any) -> list[dict[str, Any]]:
    return [{"observable": "position", "goal": "target", "value": value, **others}]
