"""Simulating a study with an instrument: the log density of its draws, the growth of a tangent."""

from collections.abc import Mapping
from typing import Literal

import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from ..errors import JaxmorphError
from ..studies import Recording, Study
from ..tracing import LogDensity, TangentGrowth, using

Parameters = Mapping[str, Float[Array, ""]]


def simulate_with_log_density(
    study: Study,
    parameters: Parameters,
    key: PRNGKeyArray,
    of: Literal["all", "choices"] = "all",
) -> tuple[Recording, Float[Array, " time"]]:
    """Simulate once with all draws of ``jaxmorph.simulation.gaussian`` held fixed; their log density.

    Choices (``bernoulli``, ``categorical``) are draws too, or, of ``choices``, the only ones.

    The log density at a time is that of the draws before this record, if the study keeps its records by
    one call of ``record``, and calls it once for each time. Observables at a time must then be
    functions of the records up to this time.

    Raises:
        JaxmorphError: If the study makes no such draws, or makes some inside a JAX transformation.
    """
    instrument = LogDensity(of)
    with using(instrument):
        recording = study.simulate(parameters, key)
        log_density = instrument.at(recording.time.shape[0])
    if not instrument.drawn:
        raise JaxmorphError(
            f"estimator = score: study {type(study).__name__} draws nothing through "
            "jaxmorph.simulation.gaussian, bernoulli or categorical; use smoothed or pathwise"
        )
    return recording, log_density


def log_probability_of_choices(
    study: Study,
    parameters: Parameters,
    key: PRNGKeyArray,
    of: Literal["choices", "bare choices"] = "choices",
) -> Float[Array, ""] | None:
    """Of what ``jaxmorph.simulation.bernoulli`` and ``categorical`` chose once; None if nothing.

    ``bare choices`` are those that do not come as numbers, so that no surrogate can stand for them.

    Raises:
        JaxmorphError: If the study chooses inside a JAX transformation of its own.
    """
    instrument = LogDensity(of)
    with using(instrument):
        study.simulate(parameters, key)
        return instrument.at(1)[0] if instrument.drawn else None


def simulate_with_tangent(
    study: Study, parameters: Parameters, key: PRNGKeyArray, tangent_key: PRNGKeyArray
) -> tuple[Recording, Float[Array, " time"] | None]:
    """Simulate once; the finite-time Lyapunov exponent of a random perturbation of the first state.

    (1 / t) ln (|tangent(t)| / |tangent(0)|), per unit of model time since the first record, where it is
    NaN. None for a study that does not keep its records by one call of ``jaxmorph.simulation.record``,
    or calls it inside a JAX transformation.
    """
    instrument = TangentGrowth(tangent_key)
    with using(instrument):
        recording = study.simulate(parameters, key)
    elapsed = recording.time - recording.time[0]
    if [growth.shape for growth in instrument.recorded] != [elapsed.shape]:
        return recording, None
    after = elapsed > 0
    exponent = instrument.recorded[0] / jnp.where(after, elapsed, 1)
    return recording, jnp.where(after, exponent, jnp.nan)
