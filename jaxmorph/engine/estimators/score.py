"""The likelihood ratio (score function): draws are held fixed, and their density differentiated.

Sources: Glynn, Commun. ACM 33 (1990) 75-84; Schulman, Heess, Weber, Abbeel, NeurIPS (2015) 3528-3536 (of
some draws, the others pathwise); Greensmith, Bartlett, Baxter, J. Mach. Learn. Res. 5 (2004) 1471-1530
(baselines).
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import ClassVar, Literal, final

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray, UInt32

from ...configuration import GradientDeclaration
from ...errors import JaxmorphError
from ...studies import Problem, Recording, Study
from ...tracing import LogDensity, using
from ..differentiable import modes_of, without_derivatives
from ..program import (
    Gradients,
    NoiseTerms,
    PathScore,
    Traced,
    Values,
    dtype,
    key_apart,
    parameters,
    precision,
    select,
    trace,
    values,
    watched,
)
from ..several import over_keys
from .base import GradientEstimator, WantedMode, Way

DECLARATION = GradientDeclaration(
    name="score",
    meaning="the likelihood-ratio estimate, of studies that have one",
    modes=("forward",),
    along_paths=False,
    sees_choices=True,
    long_name="likelihood ratio (score)",
    computed="by the score-function (likelihood-ratio) estimator",
    caution="Gradients on this page are score-function (likelihood ratio) estimates, not pathwise "
    "derivatives (Glynn, Commun. ACM 33 (1990) 75-84).",
    noise_covaries=True,
    order=2,
)

# Simulations a sample whose mean is the baseline of the likelihood ratio.
_PILOTS = 16
# Stretches of a path, of which the score is kept.
_STRETCHES = 64

HeldFixed = Literal["all", "choices"]
"""Which draws the estimate holds fixed."""


@final
class Score(GradientEstimator):
    """Values less a baseline, times the derivative of the log density of what was drawn."""

    declaration: ClassVar[GradientDeclaration] = DECLARATION

    def way(self, problem: Problem, traced: Traced, wanted: WantedMode, run_key: int) -> Way:
        del wanted
        pilots = jax.random.split(key_apart(jax.random.PRNGKey(run_key), "pilots"), _PILOTS)
        of = _held_fixed(problem, traced)
        what = "the draws' log density" if of == "all" else "the choices' log probability"
        reason = f"one tangent a parameter, of what is not drawn and of {what}"
        with_noise = partial(score_with_noise, problem, pilots=pilots, of=of)
        single = partial(score, problem, pilots=pilots, of=of)
        return Way(traced, "forward", reason, single, single, with_noise)

    def follows(self, problem: Problem) -> Callable[[], LogDensity | None]:
        return partial(LogDensity, "choices") if trace(problem).makes_choices else _AllFixed


class _AllFixed(LogDensity):
    """Holds Gaussian draws fixed whatever their sd: where it is 0, nothing is drawn."""

    def gaussian(self, noise: Array, mean: Array | float, sd: Array | float) -> Array:
        return jax.lax.stop_gradient(super().gaussian(noise, mean, sd))


def _held_fixed(problem: Problem, traced: Traced) -> HeldFixed:
    """The choices of a study that makes some, else its Gaussian draws.

    Raises:
        JaxmorphError: If the study has neither, or draws where no density can be followed.
    """
    of: HeldFixed = "choices" if traced.makes_choices else "all"
    with precision(problem):
        theta = jax.ShapeDtypeStruct((len(problem.names),), dtype(problem))
        key = jax.eval_shape(lambda: jax.random.PRNGKey(0))
        try:
            jax.eval_shape(lambda t, k: score(problem, t, k, pilots=k[None], of=of), theta, key)
        except JaxmorphError:
            raise
        except Exception as error:
            if "forward" in (modes := modes_of(traced)).missing:
                raise without_derivatives(problem, modes, DECLARATION.name) from error
            raise
    return of


def simulate_with_log_density(
    study: Study,
    parameters: Mapping[str, Float[Array, ""]],
    key: PRNGKeyArray,
    of: HeldFixed = "all",
) -> tuple[Recording, Float[Array, " time"], Float[Array, " stretch"]]:
    """Simulate once with all draws of ``jaxmorph.simulation.gaussian`` held fixed; their log density.

    Choices (``bernoulli``, ``categorical``) are draws too, or, of ``choices``, the only ones.

    The log density at a time is that of the draws before this record, if the study keeps its records by
    one call of ``record``, and calls it once for each time. Observables at a time must then be
    functions of the records up to this time. The second one is that of stretches of the simulation, at
    most 64, whose sum is that of all draws.

    Raises:
        JaxmorphError: If the study makes no such draws, or makes some inside a JAX transformation.
    """
    instrument = LogDensity(of)
    with using(instrument):
        recording = watched(study, parameters, key)
    if not instrument.drawn:
        raise JaxmorphError(
            f"estimator = score: study {type(study).__name__} draws nothing through "
            "jaxmorph.simulation.gaussian, bernoulli or categorical; use smoothed or pathwise"
        )
    return recording, instrument.at(recording.time.shape[0]), instrument.stretches(_STRETCHES)


def score(
    problem: Problem,
    theta: Float[Array, " parameter"],
    key: PRNGKeyArray,
    *,
    pilots: UInt32[Array, "pilot 2"],
    of: HeldFixed = "all",
) -> tuple[Values, Gradients, PathScore | None]:
    """Values, the likelihood-ratio (score-function) gradient of their mean, and the score of the path.

    With x the draws of the study (``jaxmorph.simulation.gaussian``, ``bernoulli``, ``categorical``) up
    to a time, ln p their log density, and b the mean of the observable over the pilot simulations at the
    same parameters,

        d E[f] / d theta = E[(f - b) d ln p(x; theta) / d theta + d f(x; theta) / d theta],

    x held fixed in both derivatives. For a step from N(m, sd^2) with xi = (x - m) / sd,
    d ln p = xi dm / sd + (xi^2 - 1) d sd / sd. It has no bias (b does not depend on the seed) if what is
    not held fixed is continuous in the parameters; what is held fixed need not be. A choice or threshold
    beside it is left out: a raw ``jax.random.uniform(key) < p``, or with ``choices`` a comparison of
    Gaussian draws. Nothing is pushed along the path. Its variance is about that of f times the
    Fisher information of the path, which grows with the number of draws.

    The score of the path is d ln p / d theta itself, of stretches of the simulation. It is NaN for a
    parameter that an observable depends on where x is held fixed: what is recorded tells more of it than
    the draws do.

    Args:
        problem: The study, what varies and what is measured.
        theta: Values of the varied parameters.
        key: The key of the seed.
        pilots: Keys of the pilot simulations, (pilot, 2), none of which is a seed's.
        of: Which draws x are held fixed; of ``choices`` alone, Gaussian draws move with the parameters,
            as along a path.

    Returns:
        Values (time, observable), gradients (time, observable, parameter), and the score of the path
        (stretch, parameter); None if only choices are held fixed, which are not all of it.
    """
    return score_with_noise(problem, theta, key, pilots=pilots, of=of)[:3]


def score_with_noise(
    problem: Problem,
    theta: Float[Array, " parameter"],
    key: PRNGKeyArray,
    *,
    pilots: UInt32[Array, "pilot 2"],
    of: HeldFixed = "all",
) -> tuple[Values, Gradients, PathScore | None, NoiseTerms]:
    """The same, and how the variance between seeds changes beside 2 Cov(f, g), g the gradient of a seed.

    That is the gradient of (f - c)^2 at c = f, this seed's own value taken for a constant: (f - c)^2 is
    0, and its baseline, the mean of (f_pilot - f)^2, is left, times -d ln p. With 2 (f - E f) g it is
    d (f^2) - 2 E[f] d f, both by the score.
    """

    def held(theta: Array) -> tuple[Values, Float[Array, " time"], Float[Array, " stretch"]]:
        named = parameters(problem, theta)
        simulated, density, stretches = simulate_with_log_density(problem.study, named, key, of)
        return select(problem, simulated), density, stretches

    def along(tangent: Array) -> tuple[Values, tuple[Values, Array, Array]]:
        (value, *_), slopes = jax.jvp(held, (theta,), (tangent,))
        return value, slopes

    basis = jnp.eye(theta.size, dtype=theta.dtype)
    value, (explicit, slope, of_stretches) = jax.vmap(along, out_axes=(None, -1))(basis)
    pilot = over_keys(partial(values, problem), theta, pilots)
    finite = jnp.isfinite(pilot)
    # Any number that does not depend on the seed will do: a pilot that fails spoils no estimate.
    baseline = jnp.sum(jnp.where(finite, pilot, 0), axis=0) / jnp.maximum(finite.sum(axis=0), 1)
    gradient = explicit + (value - baseline)[..., None] * slope[:, None, :]
    apart = _root_mean_square(jnp.where(finite, pilot, baseline) - value)
    noise = NoiseTerms(apart, -apart[..., None] * slope[:, None, :])
    if of != "all":
        return value, gradient, None, noise
    direct = jnp.any(explicit != 0, axis=(0, 1))
    return value, gradient, jnp.where(direct, jnp.nan, of_stretches), noise


def _root_mean_square(x: Float[Array, "pilot time observable"]) -> Values:
    """Over pilots; squares of what is small or large in its unit may be no numbers."""
    largest = jnp.abs(x).max(axis=0)
    size = jnp.where(largest > 0, largest, 1)
    return size * jnp.sqrt(jnp.mean((x / size) ** 2, axis=0))
