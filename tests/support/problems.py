"""Studies of a function of parameters and a key, at one time."""

from collections.abc import Callable, Mapping
from typing import Literal

import jax.numpy as jnp
from jaxtyping import Array

from jaxmorph.configuration.code import code_digest
from jaxmorph.configuration.specifications import StudySpecification
from jaxmorph.distributions import Distribution
from jaxmorph.studies import Observable, Parameter, Problem, Recording, Study


def problem_of(
    simulate: Callable[[Mapping[str, Array], Array], dict[str, Array]],
    *observables: str,
    stochastic: bool = True,
    precision: Literal["float32", "float64"] = "float64",
    **distributions: Distribution,
) -> Problem:
    """A study that gives what a function gives."""
    names = tuple(distributions)

    class Own(Study):
        def simulate(self, parameters: Mapping[str, Array], key: Array) -> Recording:
            return Recording(jnp.zeros(1), {k: v[None] for k, v in simulate(parameters, key).items()})

    Own.parameters = tuple(Parameter(n, "1", n, d.centre, d) for n, d in distributions.items())
    Own.observables = tuple(Observable(name, "1", name) for name in observables)
    Own.stochastic = stochastic
    Own.precision = precision
    study = Own()
    assert names == tuple(p.name for p in study.parameters)
    return Problem(study, study.parameters, tuple(distributions.values()), {}, observables)


def study_specification(study: str, parameter: str) -> StudySpecification:
    """What the first job is told of a study of which one parameter varies, as all else is by default."""
    return StudySpecification(
        study=study,
        settings={},
        parameters=((parameter, "default"),),
        fixed={},
        observables="all",
        key=0,
        code=code_digest(study),
        data_digests={},
        gradient="auto",
        estimator="pathwise",
        smoothing=None,
    )
