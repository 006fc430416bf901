"""Estimates of the gradient of the mean over seeds, for where the pathwise one is unreliable.

Each gives one answer for a (sample, seed) pair, whose mean over seeds is the estimate. It depends on the
parameters, the run's key and the seed's number alone.

Sources: Glynn, Commun. ACM 33 (1990) 75-84 (likelihood ratio); Schulman, Heess, Weber, Abbeel, NeurIPS
(2015) 3528-3536 (of some draws, the others pathwise); Greensmith, Bartlett, Baxter, J. Mach. Learn. Res.
5 (2004) 1471-1530 (baselines); Nesterov, Spokoiny, Found. Comput. Math. 17 (2017) 527-566 (Gaussian
smoothing); Choromanski et al., ICML (2018) 970-978 (orthogonal directions); Bengio, Leonard, Courville,
arXiv:1308.3432 (2013) (straight-through).
"""

from collections.abc import Callable
from functools import partial
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from jax.interpreters.partial_eval import dce_jaxpr
from jax.scipy.stats import norm
from jaxtyping import Array, Float, PRNGKeyArray

from ..configuration import Estimator
from ..distributions import is_logarithmic, natural_sd
from ..errors import JaxmorphError
from ..studies import Problem
from ..tracing import Surrogates, using
from .followed import log_probability_of_choices, simulate_with_log_density
from .per_sample import over_keys
from .program import (
    GradientMode,
    Gradients,
    Values,
    dtype,
    forward,
    key_apart,
    parameters,
    precision,
    recording,
    reverse,
    select,
    values,
)

# Simulations a sample whose mean is the baseline of the likelihood ratio.
_PILOTS = 16
# Ends of a distribution bend shifts within so many of their standard deviations. A point closer to an
# end than the second number, as a share of the width, counts as one there.
_REACH, _NEAREST = 16.0, 1e-3


def choose(
    problem: Problem,
    estimator: Estimator,
    gradient: str,
    smoothing: float,
    run_key: int,
    *,
    makes_choices: bool,
) -> tuple[GradientMode | None, str, Callable[[Array, PRNGKeyArray], tuple[Values, Gradients]]]:
    """The gradient mode, the reason for it, and the function of (theta, key) that gives the estimate.

    Of ``smoothed`` and ``score``; the others differentiate each simulation, in a mode to be chosen.
    """
    _check_mode(estimator, gradient)
    if estimator == "smoothed":
        if not smoothing > 0:
            raise JaxmorphError(f"smoothing = {smoothing}: must be more than 0")
        reason = (
            f"differences between random points, {smoothing:g} standard deviations around each sample"
        )
        return None, reason, partial(smoothed, problem, smoothing=smoothing)
    pilots = jax.random.split(key_apart(jax.random.PRNGKey(run_key), "pilots"), _PILOTS)
    of = _held_fixed(problem, makes_choices=makes_choices)
    what = "the draws' log density" if of == "all" else "the choices' log probability"
    reason = f"one tangent a parameter, of what is not drawn and of {what}"
    return "forward", reason, partial(score, problem, pilots=pilots, of=of)


def check_estimator(problem: Problem, estimator: Estimator, gradient: str = "auto") -> None:
    """Check without computing anything that the study can be estimated in this way.

    Raises:
        JaxmorphError: If it cannot, or not in the gradient mode that is asked for.
    """
    _check_mode(estimator, gradient)
    if gradient != "none" and (left_out := what_is_left_out(problem, estimator)):
        raise JaxmorphError(left_out)
    if estimator == "score":
        made = _parameters_of_choices(problem, "choices") is not None
        _held_fixed(problem, makes_choices=made)


def _check_mode(estimator: Estimator, gradient: str) -> None:
    possible = {
        "pathwise": ("auto", "forward", "reverse", "none"),
        "smoothed": ("auto", "none"),
        "score": ("auto", "forward", "none"),
        "straight-through": ("auto", "forward", "reverse", "none"),
    }[estimator]
    if gradient not in possible:
        raise JaxmorphError(f"gradient = {gradient}: with estimator = {estimator} use auto")


def what_is_left_out(problem: Problem, estimator: Estimator) -> str:
    """A line that says so if parameters change discrete choices that the estimator does not see.

    Empty if there are none. Nothing is computed: it is what the traced program says depends on what.
    """
    if estimator not in ("pathwise", "straight-through"):
        return ""
    names = _parameters_of_choices(problem, "choices")
    if not names:
        return ""
    study = f"estimator = {estimator}: study {type(problem.study).__name__} draws discrete choices"
    if estimator == "pathwise":
        return (
            f"{study} (such as which cell divides) that depend on {', '.join(names)}; a pathwise "
            "gradient leaves out what a parameter does through them; use score or smoothed"
        )
    if bare := _parameters_of_choices(problem, "bare choices"):
        return (
            f"{study} that depend on {', '.join(bare)} and are no numbers, so no derivative passes; "
            "draw them with bernoulli(..., indicator=True) or categorical(..., one_hot=True) and "
            "calculate with them, or use score or smoothed"
        )
    if unseen := _without_surrogate(problem):
        return (
            f"{study} that depend on {', '.join(names)}, of which no derivative reaches "
            f"{', '.join(unseen)}; leave these observables out, or use score or smoothed"
        )
    return ""


def _parameters_of_choices(problem: Problem, of: Literal["choices", "bare choices"]) -> list[str] | None:
    """The parameters that change the probabilities of the study's choices; None if it makes none."""
    n = len(problem.names)
    made = True

    def log_probability(key: PRNGKeyArray, *theta: Array) -> Array:
        nonlocal made
        # Never in one array: what each of its numbers does could not be told apart.
        named = dict(zip(problem.names, theta, strict=True))
        fixed = parameters(problem, jnp.zeros(n, dtype(problem)))
        found = log_probability_of_choices(problem.study, fixed | named, key, of)
        made = found is not None
        return jnp.zeros(()) if found is None else found

    with precision(problem):
        key = jax.eval_shape(lambda: jax.random.PRNGKey(0))
        number = jax.ShapeDtypeStruct((), dtype(problem))
        try:
            jaxpr = jax.make_jaxpr(log_probability)(key, *[number] * n).jaxpr
            used = dce_jaxpr(jaxpr, [True])[1][1:]
        except JaxmorphError:  # chosen where no instrument reaches: anything may have changed it
            used = [True] * n
    if not made:
        return None
    return [name for name, is_used in zip(problem.names, used, strict=True) if is_used]


def _without_surrogate(problem: Problem) -> list[str]:
    """The observables that no surrogate derivative of a choice reaches."""

    def slopes(key: PRNGKeyArray, theta: Array, direction: Array) -> list[Array]:
        def nudged(nudge: Array) -> list[Array]:
            with using(Surrogates(nudge)):
                found = recording(problem, theta, key).observables
            # Never in one array: what each of them depends on could not be told apart.
            return [found[name] for name in problem.observables]

        return jax.jvp(nudged, (jnp.zeros_like(direction),), (direction,))[1]

    with precision(problem):
        key = jax.eval_shape(lambda: jax.random.PRNGKey(0))
        theta, direction = (
            jax.ShapeDtypeStruct(shape, dtype(problem)) for shape in ((len(problem.names),), ())
        )
        jaxpr = jax.make_jaxpr(slopes)(key, theta, direction).jaxpr
    wanted = np.eye(len(problem.observables), dtype=bool)
    return [
        name
        for name, one in zip(problem.observables, wanted, strict=True)
        if not dce_jaxpr(jaxpr, one.tolist())[1][-1]
    ]


def _held_fixed(problem: Problem, *, makes_choices: bool) -> Literal["all", "choices"]:
    """What ``score`` holds fixed: the choices of a study that makes some, else its Gaussian draws.

    Raises:
        JaxmorphError: If the study has neither, or draws where no density can be followed.
    """
    of: Literal["all", "choices"] = "choices" if makes_choices else "all"
    with precision(problem):
        theta = jax.ShapeDtypeStruct((len(problem.names),), dtype(problem))
        key = jax.eval_shape(lambda: jax.random.PRNGKey(0))
        jax.eval_shape(lambda t, k: score(problem, t, k, pilots=k[None], of=of), theta, key)
    return of


def straight_through(
    problem: Problem,
    theta: Float[Array, " parameter"],
    key: PRNGKeyArray,
    *,
    mode: GradientMode,
) -> tuple[Values, Gradients]:
    """Values, and their pathwise gradient with the surrogate derivatives of ``simulation.surrogate``.

    The derivative of a choice, as a number, with respect to its probability is taken as 1. So with one
    choice c of probability p, the estimate is (df/dc) dp/d theta, and its mean over seeds that of the
    true (f(1) - f(0)) dp/d theta where f is linear in c, as for the number of cells; elsewhere it is
    biased. What goes through a comparison or an index is left out, as what a new cell does to others.
    Costs what a pathwise gradient does, and has its variance.
    """
    with using(Surrogates()):
        return (forward if mode == "forward" else reverse)(problem, theta, key)


def smoothed(
    problem: Problem, theta: Float[Array, " parameter"], key: PRNGKeyArray, *, smoothing: float
) -> tuple[Values, Gradients]:
    """Values, and the gradient of the observable smoothed over parameter space.

    With m_p(z_p) the natural parameter u_p (the logarithm of log-uniform and log-normal ones) moved by a
    standard normal number z_p, see :func:`_moves`,

        E_z[(f(m(z)) - f(m(-z))) z_p] / (2 E[m_p(z_p) z_p]),

    averaged over as many orthogonal directions z as there are parameters, with the simulation's own key
    on both sides (common random numbers). Costs two simulations a parameter, and one. The directions
    belong to the seed. Where no parameter has ends, m_p(z_p) = u_p + s_p z_p with s_p ``smoothing``
    times the standard deviation of u_p, and this is the gradient of E_z[f(u + s z)]. It is that of f
    where f is linear in u, and has a bias of order s^2 elsewhere; where f jumps or is chaotic on scales
    below s that is the point of it. Its variance is 2 / P of the squared length of (s_p df/du_p) where f
    is linear on the scale s, and does not grow with time.
    """
    move, reach = _moves(problem, theta, smoothing)
    z = _directions(key_apart(key, "directions"), theta.size, theta.dtype)
    rise = jax.vmap(
        lambda z: values(problem, move(z), key) - values(problem, move(-z), key),
    )(z)
    return values(problem, theta, key), jnp.einsum("dto,dp->top", rise, z) / (2 * reach * theta.size)


def _moves(
    problem: Problem, theta: Float[Array, " parameter"], smoothing: float
) -> tuple[Callable[[Array], Array], Float[Array, " parameter"]]:
    """Where standard normal numbers z move the parameters, and how far: E[m(z) z] dtheta / du.

    On the natural scale, m(z) = u + s z for a distribution without ends. Between ends,

        m(z) = a + (b - a) Phi(x + t z),  u = a + (b - a) Phi(x),  t = s / ((b - a) phi(0)),

    with the normal distribution Phi never leaves the interval; a and b are the ends, but no farther from
    u than 16 s, so that this is u + s z, nearly, where no end is near. E[m(z) z] = E[m'(z)], here
    (b - a) t / r phi(x / r) with r^2 = 1 + t^2. A parameter at an end counts as one a thousandth inside.
    """
    logarithmic = np.array([is_logarithmic(d) for d in problem.distributions])
    natural = jnp.where(logarithmic, jnp.log(theta), theta)
    sd = jnp.array([smoothing * natural_sd(d) for d in problem.distributions], theta.dtype)
    ends = np.array([d.support for d in problem.distributions])
    with np.errstate(divide="ignore"):
        ends[logarithmic] = np.log(ends[logarithmic])
    bounded = np.isfinite(ends).all(axis=1)
    low = jnp.maximum(ends[:, 0].astype(theta.dtype), natural - _REACH * sd)
    width = jnp.minimum(ends[:, 1].astype(theta.dtype), natural + _REACH * sd) - low
    x = norm.ppf(jnp.clip((natural - low) / width, _NEAREST, 1 - _NEAREST))
    t = sd / (width * norm.pdf(0.0))
    root = jnp.sqrt(1 + t**2)

    def move(z: Array) -> Array:
        u = jnp.where(bounded, low + width * norm.cdf(x + t * z), natural + sd * z)
        return jnp.where(logarithmic, jnp.exp(u), u)

    reach = jnp.where(bounded, width * t / root * norm.pdf(x / root), sd)
    return move, reach * jnp.where(logarithmic, theta, 1)


def _directions(key: PRNGKeyArray, n: int, kind: np.dtype) -> Float[Array, "direction parameter"]:
    """``n`` orthogonal directions, each of which is standard normal."""
    draws = jax.random.normal(key, (2, n, n), kind)
    orthonormal, _ = jnp.linalg.qr(draws[0])
    # The lengths of independent normal vectors; the sign of a direction does not matter.
    return jnp.linalg.norm(draws[1], axis=1)[:, None] * orthonormal.T


def score(
    problem: Problem,
    theta: Float[Array, " parameter"],
    key: PRNGKeyArray,
    *,
    pilots: Array,
    of: Literal["all", "choices"] = "all",
) -> tuple[Values, Gradients]:
    """Values, and the likelihood-ratio (score-function) gradient of their mean over seeds.

    With x the draws of the study (``jaxmorph.simulation.gaussian``, ``bernoulli``, ``categorical``) up
    to a time, ln p their log density, and b the mean of the observable over the pilot simulations at the
    same parameters,

        d E[f] / d theta = E[(f - b) d ln p(x; theta) / d theta + d f(x; theta) / d theta],

    x held fixed in both derivatives. For a step from N(m, sd^2) with xi = (x - m) / sd,
    d ln p = xi dm / sd + (xi^2 - 1) d sd / sd. It is unbiased (b does not depend on the seed), f need
    not be continuous, and nothing is pushed along the path. Its variance is about that of f times the
    Fisher information of the path, which grows with the number of draws.

    Args:
        problem: The study, what varies and what is measured.
        theta: Values of the varied parameters.
        key: The key of the seed.
        pilots: Keys of the pilot simulations, (pilot, 2), none of which is a seed's.
        of: Which draws x are held fixed; of ``choices`` alone, Gaussian draws move with the parameters,
            as along a path.
    """

    def held(theta: Array) -> tuple[Values, Float[Array, " time"]]:
        named = parameters(problem, theta)
        simulated, density = simulate_with_log_density(problem.study, named, key, of)
        return select(problem, simulated), density

    def along(tangent: Array) -> tuple[Values, tuple[Values, Float[Array, " time"]]]:
        (value, _), slopes = jax.jvp(held, (theta,), (tangent,))
        return value, slopes

    basis = jnp.eye(theta.size, dtype=theta.dtype)
    value, (explicit, slope) = jax.vmap(along, out_axes=(None, -1))(basis)
    pilot = over_keys(partial(values, problem), theta, pilots)
    finite = jnp.isfinite(pilot)
    # Any number that does not depend on the seed will do: a pilot that fails spoils no estimate.
    baseline = jnp.sum(jnp.where(finite, pilot, 0), axis=0) / jnp.maximum(finite.sum(axis=0), 1)
    return value, explicit + (value - baseline)[..., None] * slope[:, None, :]
